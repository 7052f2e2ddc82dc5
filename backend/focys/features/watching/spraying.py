"""Detects a few passwords tried on many accounts, from so many addresses that no network reaches a limit."""

import asyncio
from contextlib import suppress

from focys.features.lockout import Networks
from focys.infra import metrics

ROUND_SECONDS = 60


class SprayWatch:
    """Looks once a minute; reads the last hour's buckets, some thousands at most."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    async def run(self) -> None:
        """Look now, and every minute."""
        while True:
            # Other code reports that the database does not answer.
            with suppress(Exception):
                await self.look()
            await asyncio.sleep(ROUND_SECONDS)

    async def look(self) -> None:
        """Write the current value into the gauge."""
        metrics.SPRAY_ACCOUNTS.set(await self._networks.most_accounts_tried())
