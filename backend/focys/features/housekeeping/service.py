"""The deleting of expired rows."""

from focys.features.housekeeping.repository import HousekeepingRepository
from focys.infra.db.database import Database
from focys.infra.ops.clock import Clock


class Housekeeping:
    """Deletes expired rows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._repository, self._clock = HousekeepingRepository(database), clock

    async def forget(self) -> None:
        """Delete what has expired by now."""
        await self._repository.forget(self._clock.now())
