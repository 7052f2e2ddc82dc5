"""Rate limit counters with fixed windows, in the database: exact across all workers."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from focys.features.rate_limits.models import throttles
from focys.infra.db.database import Change, Database
from focys.infra.db.lifetime import TOLERANCE
from focys.infra.ops.clock import Clock

# A counter whose last hit is in the future was written by a wrong clock; treat it as expired.
_has_expired = or_(throttles.c.expires_at <= bindparam("moment"), throttles.c.last_at > bindparam("ahead"))
_REFUND = (
    update(throttles)
    .where(throttles.c.key == bindparam("the_key"), throttles.c.hits > 0, throttles.c.expires_at > bindparam("moment"))
    .values(hits=throttles.c.hits - 1)
)
_row = insert(throttles).values(
    key=bindparam("the_key"), hits=1, last_at=bindparam("moment"), expires_at=bindparam("until")
)
# One counter per statement: two could deadlock with the deletion of expired ones.
_HIT = _row.on_conflict_do_update(
    index_elements=[throttles.c.key],
    set_={
        "hits": case((_has_expired, 1), else_=throttles.c.hits + 1),
        "expires_at": case((_has_expired, _row.excluded.expires_at), else_=throttles.c.expires_at),
        "last_at": _row.excluded.last_at,
    },
).returning(throttles.c.hits)
_FIND_EXPIRY = select(throttles.c.expires_at).where(throttles.c.key == bindparam("the_key"))


class CounterRepository:
    """Counters with fixed windows; a window starts with the first hit after the previous window has ended."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def incr(self, key: str, seconds: int) -> int:
        """Add one to a counter with a window of this length, and return its new value."""
        now = self._clock.now()
        times = {"moment": now, "ahead": now + TOLERANCE, "until": now + timedelta(seconds=seconds)}
        row = await self._database.first(_HIT, the_key=key, **times)
        return int(row.hits) if row else 1

    async def get_expiry(self, key: str) -> float:
        """Return when a counter resets, as a Unix timestamp in seconds."""
        row = await self._database.first(_FIND_EXPIRY, the_key=key)
        return float(row.expires_at.timestamp()) if row else self._clock.now().timestamp()

    @staticmethod
    def given_back(key: str, now: datetime) -> Change:
        """Return the change that subtracts one from a counter, unless its window has ended."""
        return Change(_REFUND, {"the_key": key, "moment": now})
