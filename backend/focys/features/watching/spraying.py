"""Detects a few passwords tried on many accounts, from so many addresses that no network reaches a limit."""

from focys.features.throttling import Networks
from focys.infra.ops import metrics


class SprayWatch:
    """Reads the last hour's buckets, some thousands at most."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    async def look(self) -> None:
        """Write the current value into the gauge."""
        metrics.SPRAY_ACCOUNTS.set(await self._networks.most_accounts_tried())
