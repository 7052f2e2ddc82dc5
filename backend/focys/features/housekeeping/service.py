"""The deleting of expired rows."""

from collections.abc import Sequence

from focys.infra.db.database import Database
from focys.infra.db.retention import Deletion
from focys.infra.ops.clock import Clock


class Housekeeping:
    """Deletes expired rows, as each feature declares it."""

    def __init__(self, database: Database, clock: Clock, deletions: Sequence[Deletion]) -> None:
        self._database, self._clock, self._deletions = database, clock, deletions

    async def forget(self) -> None:
        """Delete what has expired by now, table by table."""
        now = self._clock.now()
        for deletion in self._deletions:
            await self._database.write(deletion(now))
