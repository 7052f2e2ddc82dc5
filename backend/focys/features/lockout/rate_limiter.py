"""Limits per account, on the ``limits`` library; those per network are in ``networks``."""

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute

from focys.features.lockout.storage import Counters, DatabaseStorage
from focys.infra import metrics
from focys.infra.clock import Clock
from focys.infra.database import Database

GUARDED_TRIES = RateLimitItemPerHour(10, 1, namespace="source-guarded")
CODES_RESENT = RateLimitItemPerMinute(3, 15, namespace="user-resend")
CODES_RESENT_A_DAY = RateLimitItemPerDay(10, 1, namespace="user-resend-day")
CODES_SENT = RateLimitItemPerHour(20, 1, namespace="user-codes")
ENROLMENTS = RateLimitItemPerHour(10, 1, namespace="user-enrolments")
REFRESHES = RateLimitItemPerHour(60, 1, namespace="session-refreshes")

for _limit in (GUARDED_TRIES, CODES_RESENT, CODES_RESENT_A_DAY, CODES_SENT, ENROLMENTS, REFRESHES):
    metrics.THROTTLED.labels(_limit.namespace)


def account_limits(database: Database, clock: Clock) -> "Limits":
    """Return the limits that belong to an account; they are always exact, in the database."""
    return Limits(DatabaseStorage(database, clock), clock)


class Limits:
    """Counts before the thing is done, so that parallel tries cannot slip through."""

    def __init__(self, storage: Counters, clock: Clock) -> None:
        self._storage, self._clock = storage, clock

    async def charge(self, limit: RateLimitItem, *who: str) -> int | None:
        """Count one; return the seconds to wait if that was one too many, else None."""
        hits = await self._storage.incr(limit.key_for(*who), limit.get_expiry())
        if hits <= limit.amount:
            return None
        metrics.THROTTLED.labels(limit.namespace).inc()
        expiry = await self._storage.get_expiry(limit.key_for(*who))
        return max(1, round(expiry - self._clock.now().timestamp()))
