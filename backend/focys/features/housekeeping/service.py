"""The hourly round."""

import asyncio

from focys.features.housekeeping.repository import HousekeepingRepository
from focys.infra.clock import Clock
from focys.infra.database import Database
from focys.infra.logs import logger

ROUND_SECONDS = 3600

_log = logger("focys.housekeeping")


class Housekeeping:
    """Deletes expired rows every hour; an exception in one round is logged, and the next round follows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._repository, self._clock = HousekeepingRepository(database), clock

    async def run(self) -> None:
        """Make a round an hour after the start and each hour thereafter."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.forget()
            except Exception as fault:  # noqa: BLE001  the round must outlive the database's absence
                _log.warning("housekeeping_failed", kind=type(fault).__name__)

    async def forget(self) -> None:
        """Delete what has expired by now."""
        await self._repository.forget(self._clock.now())
