"""Deletes expired rows."""

from collections.abc import Sequence

from focys.infra.db.database import Database
from focys.infra.db.retention import Deletion
from focys.infra.ops.clock import Clock
from focys.infra.ops.logs import logger

DELETION_SECONDS = 60
"""How long one deletion may take: a table can have grown for months under an earlier version."""

_log = logger("focys.housekeeping")


class Housekeeping:
    """Deletes the rows that the features declare as expired."""

    def __init__(self, database: Database, clock: Clock, deletions: Sequence[Deletion]) -> None:
        self._database, self._clock, self._deletions = database, clock, deletions

    async def forget(self) -> None:
        """Delete expired rows. A deletion that fails is logged, and holds up no other."""
        now = self._clock.now()
        for change in (deletion(now) for deletion in self._deletions):
            try:
                await self._database.counts(change, seconds=DELETION_SECONDS)
            except Exception as fault:  # noqa: BLE001  whatever one table has, the others still need it
                _log.warning("deletion_failed", table=change.table, kind=type(fault).__name__)
