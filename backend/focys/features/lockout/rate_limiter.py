"""Limits per network and per account, on the ``limits`` library."""

from datetime import datetime
from typing import Any

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute

from focys.features.lockout.storage import DatabaseStorage, InMemory, RedisWithFallback
from focys.infra import metrics
from focys.infra.clock import Clock
from focys.infra.database import Change, Database

PASSWORD_FAILURES = RateLimitItemPerMinute(30, 15, namespace="source-passwords")
ACCOUNTS_TRIED = RateLimitItemPerHour(20, 1, namespace="source-accounts")
CODES_RESENT = RateLimitItemPerMinute(3, 15, namespace="user-resend")
CODES_RESENT_A_DAY = RateLimitItemPerDay(10, 1, namespace="user-resend-day")
CODES_PER_NETWORK = RateLimitItemPerMinute(3, 15, namespace="user-network-codes")
CODES_A_DAY = RateLimitItemPerDay(10, 1, namespace="user-codes-day")
CODES_SHARED = RateLimitItemPerMinute(1, 5, namespace="user-codes-shared")
LOGINS_STARTED = RateLimitItemPerMinute(60, 5, namespace="user-network-logins")
UNFINISHED_LOGINS = RateLimitItemPerHour(10, 1, namespace="user-unfinished-logins")
ENROLMENTS = RateLimitItemPerHour(10, 1, namespace="login-enrolments")
OUT_OF_TURN = RateLimitItemPerHour(3, 1, namespace="login-out-of-turn")
REFRESHES = RateLimitItemPerHour(120, 1, namespace="session-refreshes")

for _limit in (
    PASSWORD_FAILURES,
    ACCOUNTS_TRIED,
    CODES_RESENT,
    CODES_RESENT_A_DAY,
    CODES_PER_NETWORK,
    CODES_A_DAY,
    CODES_SHARED,
    LOGINS_STARTED,
    UNFINISHED_LOGINS,
    ENROLMENTS,
    OUT_OF_TURN,
    REFRESHES,
):
    metrics.THROTTLED.labels(_limit.namespace)


def account_limits(database: Database, clock: Clock) -> "Limits":
    """Return the limits that belong to an account; they are always exact, in the database."""
    return Limits(DatabaseStorage(database, clock), clock)


def source_limits(storage: str, database: Database, clock: Clock) -> "Limits":
    """Return the limits per network, on the storage that RATE_LIMIT_STORAGE names."""
    if storage.startswith("memory://"):
        return Limits(InMemory(), clock)
    in_database = DatabaseStorage(database, clock)
    return Limits(in_database if storage == "database" else RedisWithFallback(storage, in_database), clock)


class Limits:
    """Counts before the thing is done, so that parallel tries cannot slip through; gives back what was no failure."""

    def __init__(self, storage: Any, clock: Clock) -> None:  # noqa: ANN401  any of the library's storages
        self._storage, self._clock = storage, clock

    async def charge(self, limit: RateLimitItem, *who: str) -> int | None:
        """Count one; return the seconds to wait if that was one too many, else None."""
        hits = await self._storage.incr(limit.key_for(*who), limit.get_expiry(), 1)
        return await self._wait(limit, *who) if hits > limit.amount else None

    async def count(self, limit: RateLimitItem, *who: str) -> int:
        """Count one, and return how many there are in the window."""
        return int(await self._storage.incr(limit.key_for(*who), limit.get_expiry(), 1))

    async def charge_within(
        self, limit: RateLimitItem, *who: str, other: RateLimitItem, now: datetime
    ) -> Change | bool:
        """Count one, unless one of the limits is used up, and tell whether it was; or return the change that does so.

        The database counts as a part of its caller's own write.
        """
        key, other_key = limit.key_for(*who), other.key_for(*who)
        if isinstance(self._storage, DatabaseStorage):
            return self._storage.hit_within(
                key, limit.amount, limit.get_expiry(), other_key=other_key, other_most=other.amount, now=now
            )
        return bool(await self._storage.incr_within(key, limit.amount, limit.get_expiry(), other_key, other.amount))

    async def give_back(self, limit: RateLimitItem, *who: str, now: datetime) -> list[Change]:
        """Return what gives one back, as long as it counts; it is done where the database does not count."""
        key = limit.key_for(*who)
        if isinstance(self._storage, DatabaseStorage):
            return [self._storage.given_back(key, now)]
        await self._storage.decr(key)
        return []

    async def is_used_up(self, limit: RateLimitItem, *who: str) -> int | None:
        """Return the seconds to wait if the limit is reached, else None; counts nothing."""
        hits = await self._storage.get(limit.key_for(*who))
        return await self._wait(limit, *who) if hits >= limit.amount else None

    async def charge_once(self, limit: RateLimitItem, member: str, *who: str) -> None:
        """Count *member* toward the limit, once per window."""
        if await self._storage.incr(limit.key_for(*who, member), limit.get_expiry(), 1) == 1:
            await self._storage.incr(limit.key_for(*who), limit.get_expiry(), 1)

    async def close(self) -> None:
        """Give back the connections of a storage that has its own."""
        if isinstance(self._storage, RedisWithFallback):
            await self._storage.close()

    async def _wait(self, limit: RateLimitItem, *who: str) -> int:
        metrics.THROTTLED.labels(limit.namespace).inc()
        expiry = await self._storage.get_expiry(limit.key_for(*who))
        return int(max(1, round(expiry - self._clock.now().timestamp())))
