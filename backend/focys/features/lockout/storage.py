"""Where counters of limits are kept: fixed windows in the database, exact over all workers."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from focys.features.lockout.models import throttles
from focys.infra.clock import Clock
from focys.infra.database import Change, Database
from focys.infra.lifetime import TOLERANCE

_insert = insert(throttles)
# A counter that a wrong clock has raised is over, too.
_is_over = or_(throttles.c.expires_at <= bindparam("moment"), throttles.c.last_at > bindparam("ahead"))
_row = _insert.values(key=bindparam("the_key"), hits=1, last_at=bindparam("moment"), expires_at=bindparam("until"))
_HIT = _row.on_conflict_do_update(
    index_elements=[throttles.c.key],
    set_={
        "hits": case((_is_over, 1), else_=throttles.c.hits + 1),
        "expires_at": case((_is_over, _row.excluded.expires_at), else_=throttles.c.expires_at),
        "last_at": _row.excluded.last_at,
    },
).returning(throttles.c.hits)
_GIVE_BACK = (
    update(throttles)
    .where(throttles.c.key == bindparam("the_key"), throttles.c.hits > 0, throttles.c.expires_at > bindparam("moment"))
    .values(hits=throttles.c.hits - 1)
)
_LOOK = select(throttles.c.expires_at).where(throttles.c.key == bindparam("the_key"))


class DatabaseStorage:
    """Counters with fixed windows; a window begins with the first hit after the previous window."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def incr(self, key: str, seconds: int) -> int:
        """Add one to a counter with a window of this length, and return its new value."""
        now = self._clock.now()
        times = {"moment": now, "ahead": now + TOLERANCE, "until": now + timedelta(seconds=seconds)}
        row = await self._database.first(_HIT, the_key=key, **times)
        return int(row.hits) if row else 1

    async def get_expiry(self, key: str) -> float:
        """Return when a counter resets, in seconds since the epoch."""
        row = await self._database.first(_LOOK, the_key=key)
        return float(row.expires_at.timestamp()) if row else self._clock.now().timestamp()

    @staticmethod
    def given_back(key: str, now: datetime) -> Change:
        """Return the change that takes one from a counter, while its window lasts."""
        return Change(_GIVE_BACK, {"the_key": key, "moment": now})
