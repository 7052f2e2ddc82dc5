"""Rate limits per account. ``throttling`` limits wrong passwords and networks."""

from dataclasses import dataclass
from datetime import datetime

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute

from focys.features.rate_limits.repository import CounterRepository
from focys.infra.db.database import Change, Database
from focys.infra.ops import metrics
from focys.infra.ops.clock import Clock

CODES_RESENT = RateLimitItemPerMinute(3, 15, namespace="user-resend")
CODES_RESENT_A_DAY = RateLimitItemPerDay(10, 1, namespace="user-resend-day")
OF_ACCOUNT_AND_NETWORK = "user-network-"
"""The prefix of limits per account and network; ``focys networks unlock`` clears them."""
CODES_PER_NETWORK = RateLimitItemPerMinute(3, 15, namespace=f"{OF_ACCOUNT_AND_NETWORK}codes")
CODES_A_DAY = RateLimitItemPerDay(10, 1, namespace="user-codes-day")
CODES_SHARED = RateLimitItemPerMinute(1, 5, namespace="user-codes-shared")
LOGINS_STARTED = RateLimitItemPerMinute(60, 5, namespace=f"{OF_ACCOUNT_AND_NETWORK}logins")
UNFINISHED_LOGINS = RateLimitItemPerHour(10, 1, namespace="user-unfinished-logins")
ENROLLMENTS = RateLimitItemPerHour(10, 1, namespace="login-enrollments")
CODES_REPLACED = RateLimitItemPerHour(5, 1, namespace="user-codes-replaced")
USED_CODES = RateLimitItemPerHour(10, 1, namespace="user-used-codes")
OUT_OF_TURN = RateLimitItemPerHour(3, 1, namespace="login-out-of-turn")
STEP_UPS = RateLimitItemPerHour(60, 1, namespace="session-step-ups")
PASSWORDS_JUDGED = RateLimitItemPerMinute(60, 10, namespace="session-passwords-judged")
REFRESHES = RateLimitItemPerHour(120, 1, namespace="session-refreshes")

for _limit in (
    CODES_RESENT,
    CODES_RESENT_A_DAY,
    CODES_PER_NETWORK,
    CODES_A_DAY,
    CODES_SHARED,
    LOGINS_STARTED,
    UNFINISHED_LOGINS,
    ENROLLMENTS,
    CODES_REPLACED,
    USED_CODES,
    OUT_OF_TURN,
    STEP_UPS,
    PASSWORDS_JUDGED,
    REFRESHES,
):
    metrics.THROTTLED.labels(_limit.namespace)


@dataclass(frozen=True, slots=True)
class LoginLimits:
    """The configurable limits per account: logins started, and codes emailed."""

    started: RateLimitItem = LOGINS_STARTED
    codes_per_network: RateLimitItem = CODES_PER_NETWORK
    codes_a_day: RateLimitItem = CODES_A_DAY

    @classmethod
    def of(cls, *, started: int, codes_per_network: int, codes_a_day: int) -> "LoginLimits":
        """Return limits with these amounts and the default windows."""
        return cls(
            RateLimitItemPerMinute(started, LOGINS_STARTED.multiples, LOGINS_STARTED.namespace),
            RateLimitItemPerMinute(codes_per_network, CODES_PER_NETWORK.multiples, CODES_PER_NETWORK.namespace),
            RateLimitItemPerDay(codes_a_day, CODES_A_DAY.multiples, CODES_A_DAY.namespace),
        )


def account_limits(database: Database, clock: Clock) -> "RateLimiter":
    """Return the rate limiter for accounts; its counters are always in the database, so they are exact."""
    return RateLimiter(CounterRepository(database, clock), clock)


class RateLimiter:
    """Counts an action before it is done, so parallel requests cannot exceed a limit."""

    def __init__(self, counters: CounterRepository, clock: Clock) -> None:
        self._counters, self._clock = counters, clock

    async def hit(self, limit: RateLimitItem, *who: str) -> int | None:
        """Count one action; return the seconds to wait if the limit is exceeded, or None."""
        hits = await self.count(limit, *who)
        if hits <= limit.amount:
            return None
        metrics.THROTTLED.labels(limit.namespace).inc()
        expiry = await self._counters.get_expiry(limit.key_for(*who))
        return max(1, round(expiry - self._clock.now().timestamp()))

    async def count(self, limit: RateLimitItem, *who: str) -> int:
        """Count one action, and return the new count in this window."""
        return await self._counters.incr(limit.key_for(*who), limit.get_expiry())

    def give_back(self, limit: RateLimitItem, *who: str, now: datetime) -> list[Change]:
        """Return the changes that refund one action, unless the window has ended."""
        return [self._counters.given_back(limit.key_for(*who), now)]
