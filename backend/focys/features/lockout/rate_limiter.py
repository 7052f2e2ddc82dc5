"""Limits per source network, on the ``limits`` library: exact over all workers with ``database``, its default."""

from datetime import timedelta
from typing import Any

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, Storage
from limits.storage import storage_from_string
from sqlalchemy import bindparam, case, delete, select
from sqlalchemy.dialects.postgresql import insert

from focys.features.lockout.models import throttles
from focys.infra import metrics
from focys.infra.clock import Clock
from focys.infra.database import Database

PASSWORD_FAILURES = RateLimitItemPerMinute(30, 15, namespace="source-passwords")
ACCOUNTS_TRIED = RateLimitItemPerHour(20, 1, namespace="source-accounts")
GUARDED_TRIES = RateLimitItemPerHour(10, 1, namespace="source-guarded")
CODES_RESENT = RateLimitItemPerMinute(3, 15, namespace="user-resend")
CODES_RESENT_A_DAY = RateLimitItemPerDay(10, 1, namespace="user-resend-day")
CODES_SENT = RateLimitItemPerHour(20, 1, namespace="user-codes")
ENROLMENTS = RateLimitItemPerHour(10, 1, namespace="user-enrolments")

_insert = insert(throttles)
_is_over = throttles.c.expires_at <= bindparam("moment")
_HIT = (
    _insert.values(
        key=bindparam("the_key"),
        hits=bindparam("amount"),
        last_at=bindparam("moment"),
        expires_at=bindparam("until"),
    )
    .on_conflict_do_update(
        index_elements=[throttles.c.key],
        set_={
            "hits": case((_is_over, _insert.excluded.hits), else_=throttles.c.hits + _insert.excluded.hits),
            "expires_at": case((_is_over, _insert.excluded.expires_at), else_=throttles.c.expires_at),
            "last_at": _insert.excluded.last_at,
        },
    )
    .returning(throttles.c.hits)
)
_LOOK = select(throttles.c.hits, throttles.c.expires_at).where(throttles.c.key == bindparam("the_key"))
_FORGET = delete(throttles).where(throttles.c.key == bindparam("the_key"))
_FORGET_ALL = delete(throttles)


class DatabaseStorage(Storage):
    """Fixed-window counters in the ``throttles`` table, for the ``limits`` library."""

    STORAGE_SCHEME = ["database"]  # noqa: RUF012  the library's own attribute

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__("database://", wrap_exceptions=False)
        self._database, self._clock = database, clock

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what a fault of the storage looks like."""
        return OSError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a counter, which begins anew once its window is over, and return its new value."""
        now = self._clock.now()
        until = now + timedelta(seconds=expiry)
        row = await self._database.first(_HIT, the_key=key, amount=amount, moment=now, until=until)
        return int(row.hits) if row else amount

    async def get(self, key: str) -> int:
        """Return a counter's value."""
        row = await self._database.first(_LOOK, the_key=key)
        return int(row.hits) if row and row.expires_at > self._clock.now() else 0

    async def get_expiry(self, key: str) -> float:
        """Return when a counter begins anew, in seconds since the epoch."""
        row = await self._database.first(_LOOK, the_key=key)
        return float(row.expires_at.timestamp()) if row else self._clock.now().timestamp()

    async def check(self) -> bool:
        """Tell whether the storage answers."""
        await self._database.first(_LOOK, the_key="")
        return True

    async def reset(self) -> int | None:
        """Forget every counter."""
        await self._database.rows(_FORGET_ALL.returning(throttles.c.key))
        return None

    async def clear(self, key: str) -> None:
        """Forget one counter."""
        await self._database.rows(_FORGET.returning(throttles.c.key), the_key=key)


def limits_for(storage: str, database: Database, clock: Clock) -> "SourceLimits":
    """Return the limits on the storage that RATE_LIMIT_STORAGE names."""
    if storage == "database":
        return SourceLimits(DatabaseStorage(database, clock), clock)
    if storage.startswith("memory://"):
        return SourceLimits(MemoryStorage(), clock)
    return SourceLimits(storage_from_string(f"async+{storage}"), clock)


class SourceLimits:
    """Counts before the thing is done, so that parallel tries cannot slip through; gives back what was no failure."""

    def __init__(self, storage: Any, clock: Clock) -> None:  # noqa: ANN401  any of the library's storages
        self._storage, self._clock = storage, clock

    async def charge(self, limit: RateLimitItem, *who: str) -> int | None:
        """Count one; return the seconds to wait if that was one too many, else None."""
        hits = await self._storage.incr(limit.key_for(*who), limit.get_expiry(), 1)
        return await self._wait(limit, *who) if hits > limit.amount else None

    async def refund(self, limit: RateLimitItem, *who: str) -> None:
        """Give one back."""
        await self._storage.incr(limit.key_for(*who), limit.get_expiry(), -1)

    async def is_used_up(self, limit: RateLimitItem, *who: str) -> int | None:
        """Return the seconds to wait if the limit is reached, else None; counts nothing."""
        hits = await self._storage.get(limit.key_for(*who))
        return await self._wait(limit, *who) if hits >= limit.amount else None

    async def charge_once(self, limit: RateLimitItem, member: str, *who: str) -> None:
        """Count *member* toward the limit, once per window."""
        if await self._storage.incr(limit.key_for(*who, member), limit.get_expiry(), 1) == 1:
            await self._storage.incr(limit.key_for(*who), limit.get_expiry(), 1)

    async def _wait(self, limit: RateLimitItem, *who: str) -> int:
        metrics.THROTTLED.labels(limit.namespace).inc()
        expiry = await self._storage.get_expiry(limit.key_for(*who))
        return int(max(1, round(expiry - self._clock.now().timestamp())))
