"""Rate limit counters with fixed windows, in the database: exact across all workers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, case, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from focys.features.rate_limits.models import throttles
from focys.infra.db.database import Change, Database
from focys.infra.db.lifetime import TOLERANCE
from focys.infra.ops.clock import Clock

# A counter last raised in the future was raised while a clock was wrong, so it has expired too.
_has_expired = or_(throttles.c.expires_at <= bindparam("moment"), throttles.c.last_at > bindparam("ahead"))
_REFUND = (
    update(throttles)
    .where(throttles.c.key == bindparam("the_key"), throttles.c.hits > 0, throttles.c.expires_at > bindparam("moment"))
    .values(hits=throttles.c.hits - 1)
)


@lru_cache(maxsize=8)
def _hits(number: int) -> ReturningInsert[Any]:
    """Return the statement that adds one to *number* counters."""
    row = insert(throttles).values(
        [
            {
                "key": bindparam(f"key_{i}"),
                "hits": 1,
                "last_at": bindparam("moment"),
                "expires_at": bindparam(f"until_{i}"),
            }
            for i in range(number)
        ]
    )
    return row.on_conflict_do_update(
        index_elements=[throttles.c.key],
        set_={
            "hits": case((_has_expired, 1), else_=throttles.c.hits + 1),
            "expires_at": case((_has_expired, row.excluded.expires_at), else_=throttles.c.expires_at),
            "last_at": row.excluded.last_at,
        },
    ).returning(throttles.c.key, throttles.c.hits)


_FIND_EXPIRY = select(throttles.c.expires_at).where(throttles.c.key == bindparam("the_key"))


class CounterRepository:
    """Counters with fixed windows; a window starts with the first hit after the previous window has ended."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def incr(self, windows: Mapping[str, int]) -> dict[str, int]:
        """Add one to each counter and return the new values; *windows* gives each counter's window in seconds."""
        now = self._clock.now()
        # A fixed lock order, so two requests with the same counters cannot deadlock.
        keys = sorted(windows)
        parameters: dict[str, object] = {"moment": now, "ahead": now + TOLERANCE}
        for i, key in enumerate(keys):
            parameters |= {f"key_{i}": key, f"until_{i}": now + timedelta(seconds=windows[key])}
        rows = await self._database.rows(_hits(len(keys)), **parameters)
        return {row.key: row.hits for row in rows}

    async def get_expiry(self, key: str) -> float:
        """Return when a counter resets, as a Unix timestamp in seconds."""
        row = await self._database.first(_FIND_EXPIRY, the_key=key)
        return float(row.expires_at.timestamp()) if row else self._clock.now().timestamp()

    @staticmethod
    def given_back(key: str, now: datetime) -> Change:
        """Return the change that subtracts one from a counter, unless its window has ended."""
        return Change(_REFUND, {"the_key": key, "moment": now})
