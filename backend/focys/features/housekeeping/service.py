"""Deletes expired rows."""

from collections.abc import Sequence

from focys.infra.db.database import Database
from focys.infra.db.retention import Deletion
from focys.infra.ops.clock import Clock


class Housekeeping:
    """Deletes the rows that the features declare as expired."""

    def __init__(self, database: Database, clock: Clock, deletions: Sequence[Deletion]) -> None:
        self._database, self._clock, self._deletions = database, clock, deletions

    async def forget(self) -> None:
        """Delete expired rows, one table at a time."""
        now = self._clock.now()
        for deletion in self._deletions:
            await self._database.write(deletion(now))
