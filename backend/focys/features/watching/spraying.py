"""Detects password spraying: a few passwords tried on many accounts, from too many networks to reach a limit."""

from focys.features.throttling import Networks
from focys.infra.ops import metrics


class SprayWatch:
    """Reads the last hour's buckets, a few thousand at most."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    async def look(self) -> None:
        """Refresh the gauge."""
        metrics.SPRAY_ACCOUNTS.set(await self._networks.most_accounts_tried())
