"""The deleting of expired rows."""

from focys.features.housekeeping.repository import HousekeepingRepository
from focys.infra.clock import Clock
from focys.infra.database import Database


class Housekeeping:
    """Deletes expired rows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._repository, self._clock = HousekeepingRepository(database), clock

    async def forget(self) -> None:
        """Delete what has expired by now."""
        await self._repository.forget(self._clock.now())
