"""Whether a few passwords are tried on many accounts: from so many addresses that no limit of a network is reached."""

import asyncio
from contextlib import suppress

from focys.features.lockout import Networks
from focys.infra import metrics

ROUND_SECONDS = 60


class SprayWatch:
    """Looks once a minute; the buckets of an hour are read for it, some thousands at most."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    async def run(self) -> None:
        """Look now, and every minute."""
        while True:
            # A database that does not answer is reported elsewhere.
            with suppress(Exception):
                await self.look()
            await asyncio.sleep(ROUND_SECONDS)

    async def look(self) -> None:
        """Write the current value into the gauge."""
        metrics.SPRAY_ACCOUNTS.set(await self._networks.most_accounts_tried())
