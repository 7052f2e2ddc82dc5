"""A scrape of /metrics, to be asked for samples."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.support.service import Browser


class Numbers:
    """What a scrape said."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def of(self, name: str, **labels: str) -> float:
        """The sum over all samples of a name that have these labels."""
        return float(sum(sample.value for sample in self.having(name, **labels)))

    def having(self, name: str, **labels: str) -> list[Any]:
        """All samples of a name that have these labels."""
        return [s for s in self.samples if s.name == name and labels.items() <= s.labels.items()]


async def scrape(browser: Browser) -> Numbers:
    """What the service says now."""
    return Numbers((await browser.get("/metrics")).text)


async def hashes_computed(browser: Browser) -> float:
    """How many Argon2id hashes, or sets of them, this process has computed."""
    return (await scrape(browser)).of("focys_argon2_seconds_count")
