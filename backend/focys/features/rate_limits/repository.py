"""Where counters of limits are kept: fixed windows in the database, exact over all workers."""

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

# A counter that a wrong clock has raised is over, too.
_is_over = or_(throttles.c.expires_at <= bindparam("moment"), throttles.c.last_at > bindparam("ahead"))
_GIVE_BACK = (
    update(throttles)
    .where(throttles.c.key == bindparam("the_key"), throttles.c.hits > 0, throttles.c.expires_at > bindparam("moment"))
    .values(hits=throttles.c.hits - 1)
)


@lru_cache(maxsize=8)
def _hits(number: int) -> ReturningInsert[Any]:
    """Return the statement that adds one to so many counters."""
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
            "hits": case((_is_over, 1), else_=throttles.c.hits + 1),
            "expires_at": case((_is_over, row.excluded.expires_at), else_=throttles.c.expires_at),
            "last_at": row.excluded.last_at,
        },
    ).returning(throttles.c.key, throttles.c.hits)


_LOOK = select(throttles.c.expires_at).where(throttles.c.key == bindparam("the_key"))


class CounterRepository:
    """Counters with fixed windows; a window begins with the first hit after the previous window."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def incr(self, windows: Mapping[str, int]) -> dict[str, int]:
        """Add one to each counter, given with its window's length in seconds, and return their new values."""
        now = self._clock.now()
        # Rows are locked in this order, so two requests with the same counters cannot deadlock.
        keys = sorted(windows)
        parameters: dict[str, object] = {"moment": now, "ahead": now + TOLERANCE}
        for i, key in enumerate(keys):
            parameters |= {f"key_{i}": key, f"until_{i}": now + timedelta(seconds=windows[key])}
        rows = await self._database.rows(_hits(len(keys)), **parameters)
        return {row.key: row.hits for row in rows}

    async def get_expiry(self, key: str) -> float:
        """Return when a counter resets, in seconds since the epoch."""
        row = await self._database.first(_LOOK, the_key=key)
        return float(row.expires_at.timestamp()) if row else self._clock.now().timestamp()

    @staticmethod
    def given_back(key: str, now: datetime) -> Change:
        """Return the change that takes one from a counter, while its window lasts."""
        return Change(_GIVE_BACK, {"the_key": key, "moment": now})
