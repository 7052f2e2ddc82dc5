"""What the tests of faults say at the end of a run: what was done to the service, and what was lost."""

from collections.abc import Callable, Iterator, Mapping

import pytest

KIND = "fault"

Tell = Callable[..., None]


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """``tell("killed a worker 200 times", lost={"half-done sign-ins": 0})``: fails where something was lost."""

    def say(done: str, *, lost: Mapping[str, int]) -> None:
        told = ", ".join(f"{number} {what}" for what, number in lost.items() if number) or "nothing"
        request.node.user_properties.append((KIND, f"{done}. Lost: {told} (of: {', '.join(lost)})."))
        assert told == "nothing", f"{done}. Lost: {told}"

    return say


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests told, also when they ran in several processes."""
    lines = sorted(_told(terminalreporter))
    if lines:
        terminalreporter.section("what was done, and what was lost")
        for line in lines:
            terminalreporter.write_line(line)


def _told(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "call":
                yield from (str(text) for kind, text in report.user_properties if kind == KIND)
