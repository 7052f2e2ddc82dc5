"""Where counters of limits are kept: the database, exact over all workers, or Redis with the database behind it.

Beside what the library's storages do, each of ours counts one only if there is room in two counters (``incr_within``),
and takes one back from a counter that counts, which never makes a window or falls below zero (``decr``).
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from sqlalchemy import ColumnElement, String, bindparam, case, delete, exists, literal, or_, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from focys.features.lockout.models import throttles
from focys.infra.clock import Clock
from focys.infra.database import Change, Database
from focys.infra.lifetime import TOLERANCE
from focys.infra.logs import logger

REDIS_TIMEOUT_SECONDS = 0.25
REDIS_PAUSE_SECONDS = 5
"""How long a Redis that failed is left alone."""

_log = logger("focys.limits")

_insert = insert(throttles)
# A counter that a wrong clock has raised is over, too.
_is_over = or_(throttles.c.expires_at <= bindparam("moment"), throttles.c.last_at > bindparam("ahead"))
_full = throttles.alias("full")


def _counting(insertion: Insert, *, where: ColumnElement[bool] | None = None) -> Insert:
    """Add to a counter that is there; one whose window is over begins anew."""
    return insertion.on_conflict_do_update(
        index_elements=[throttles.c.key],
        set_={
            "hits": case((_is_over, insertion.excluded.hits), else_=throttles.c.hits + insertion.excluded.hits),
            "expires_at": case((_is_over, insertion.excluded.expires_at), else_=throttles.c.expires_at),
            "last_at": insertion.excluded.last_at,
        },
        where=where,
    )


_HIT = _counting(
    _insert.values(
        key=bindparam("the_key"),
        hits=bindparam("amount"),
        last_at=bindparam("moment"),
        expires_at=bindparam("until"),
    )
).returning(throttles.c.hits)
_HIT_WITHIN = _counting(
    _insert.from_select(
        ["key", "hits", "last_at", "expires_at"],
        select(
            bindparam("counted_key", type_=String),
            literal(1),
            bindparam("moment", type_=throttles.c.last_at.type),
            bindparam("counted_until", type_=throttles.c.expires_at.type),
        ).where(
            ~exists(literal(1)).where(
                _full.c.key == bindparam("other_key"),
                _full.c.hits >= bindparam("other_most"),
                _full.c.expires_at > bindparam("moment"),
                _full.c.last_at <= bindparam("ahead"),
            )
        ),
    ),
    where=_is_over | (throttles.c.hits < bindparam("counted_most")),
)
_GIVE_BACK = (
    update(throttles)
    .where(
        throttles.c.key == bindparam("counted_key"), throttles.c.hits > 0, throttles.c.expires_at > bindparam("moment")
    )
    .values(hits=throttles.c.hits - 1)
)
_LOOK = select(throttles.c.hits, throttles.c.last_at, throttles.c.expires_at).where(
    throttles.c.key == bindparam("the_key")
)
_FORGET = delete(throttles).where(throttles.c.key == bindparam("the_key"))
_FORGET_ALL = delete(throttles)

_INCR_WITHIN = """
if tonumber(redis.call('get', KEYS[2]) or 0) >= tonumber(ARGV[3]) then return 0 end
if tonumber(redis.call('get', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
if redis.call('incr', KEYS[1]) == 1 then redis.call('expire', KEYS[1], ARGV[2]) end
return 1
"""
_DECR = "return tonumber(redis.call('get', KEYS[1]) or 0) > 0 and redis.call('decr', KEYS[1]) or 0"


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
        times = {"moment": now, "ahead": now + TOLERANCE, "until": until}
        row = await self._database.first(_HIT, the_key=key, amount=amount, **times)
        return int(row.hits) if row else amount

    @staticmethod
    def hit_within(key: str, most: int, expiry: float, *, other_key: str, other_most: int, now: datetime) -> Change:
        """Return the change that adds one, and changes no row where this counter or the other one is full."""
        return Change(
            _HIT_WITHIN,
            {
                "counted_key": key,
                "counted_most": most,
                "counted_until": now + timedelta(seconds=expiry),
                "other_key": other_key,
                "other_most": other_most,
                "moment": now,
                "ahead": now + TOLERANCE,
            },
        )

    @staticmethod
    def given_back(key: str, now: datetime) -> Change:
        """Return the change that takes one from a counter, as long as it counts."""
        return Change(_GIVE_BACK, {"counted_key": key, "moment": now})

    async def incr_within(self, key: str, most: int, expiry: float, other_key: str, other_most: int) -> bool:
        """Add one, unless this counter or the other one is full; tell whether there was room."""
        now = self._clock.now()
        change = self.hit_within(key, most, expiry, other_key=other_key, other_most=other_most, now=now)
        [counted] = await self._database.counts(change)
        return counted > 0

    async def decr(self, key: str) -> None:
        """Take one from a counter, as long as it counts."""
        await self._database.write(self.given_back(key, self._clock.now()))

    async def get(self, key: str) -> int:
        """Return a counter's value."""
        row, now = await self._database.first(_LOOK, the_key=key), self._clock.now()
        return int(row.hits) if row and row.last_at - TOLERANCE <= now < row.expires_at else 0

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


class InMemory(MemoryStorage):
    """Counters of this process. Nothing here waits, so nobody comes in between a look and what follows from it."""

    STORAGE_SCHEME = ["in-memory"]  # noqa: RUF012  the library's own attribute

    async def incr_within(self, key: str, most: int, expiry: float, other_key: str, other_most: int) -> bool:
        """Add one, unless this counter or the other one is full; tell whether there was room."""
        has_room = await self.get(other_key) < other_most and await self.get(key) < most
        if has_room:
            await self.incr(key, expiry)
        return has_room


class _Redis(RedisStorage):
    STORAGE_SCHEME = ["one-redis"]  # noqa: RUF012  the library's own attribute

    def __init__(self, url: str) -> None:
        super().__init__(
            f"async+{url}",
            implementation="redispy",
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        )
        bridge: Any = self.bridge
        self._client = bridge.get_connection()
        self._incr_within, self._decr = (self._client.register_script(script) for script in (_INCR_WITHIN, _DECR))

    async def incr_within(self, key: str, most: int, expiry: float, other_key: str, other_most: int) -> bool:
        keys = [self.bridge.prefixed_key(name) for name in (key, other_key)]
        return bool(await self._incr_within(keys, [most, int(expiry), other_most]))

    async def decr(self, key: str) -> None:
        await self._decr([self.bridge.prefixed_key(key)])

    async def close(self) -> None:
        await self._client.aclose()


class RedisWithFallback(Storage):
    """Counters in Redis or Valkey; while it is away, slow or broken they are counted in the database instead."""

    STORAGE_SCHEME = ["redis-with-fallback"]  # noqa: RUF012  the library's own attribute

    def __init__(self, url: str, database: DatabaseStorage) -> None:
        super().__init__(url, wrap_exceptions=False)
        self._redis = _Redis(url)
        self._database = database
        self._left_alone_until = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what a fault of the storage looks like."""
        return self._database.base_exceptions

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a counter and return its new value."""
        return int(await self._either("incr", key, int(expiry), amount))

    async def incr_within(self, key: str, most: int, expiry: float, other_key: str, other_most: int) -> bool:
        """Add one, unless this counter or the other one is full; tell whether there was room."""
        return bool(await self._either("incr_within", key, most, expiry, other_key, other_most))

    async def decr(self, key: str) -> None:
        """Take one from a counter, as long as it counts."""
        await self._either("decr", key)

    async def get(self, key: str) -> int:
        """Return a counter's value."""
        return int(await self._either("get", key))

    async def get_expiry(self, key: str) -> float:
        """Return when a counter begins anew, in seconds since the epoch."""
        return float(await self._either("get_expiry", key))

    async def check(self) -> bool:
        """Tell whether Redis answers."""
        return bool(await self._redis.check())

    async def reset(self) -> int | None:
        """Forget every counter."""
        await self._database.reset()
        return int(await self._redis.reset() or 0)

    async def clear(self, key: str) -> None:
        """Forget one counter."""
        await self._either("clear", key)

    async def close(self) -> None:
        """Give the connections back; one that was cut off needs no farewell."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(REDIS_TIMEOUT_SECONDS):
                await self._redis.close()

    async def _either(self, verb: str, *arguments: object) -> float:
        if monotonic() >= self._left_alone_until:
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_SECONDS):
                    return await getattr(self._redis, verb)(*arguments)  # type: ignore[no-any-return]
            except Exception as fault:  # noqa: BLE001  whatever Redis has, the limit must hold
                self._left_alone_until = monotonic() + REDIS_PAUSE_SECONDS
                _log.warning("redis_unavailable", kind=type(fault).__name__, counting="in the database")
        return await getattr(self._database, verb)(*arguments)  # type: ignore[no-any-return]
