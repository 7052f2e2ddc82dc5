"""When an account takes another guess: facts and a time in, a verdict out.

    failures in 365 days   0 ··· 4   5          6 ··· 9   10         11 ··· 14   15 and more
    verdict                Open      15 min     Open      60 min     Open        Guarded
                                     Locked               Locked                 (two codes, or a backup code)

Failures are counted per bucket: each browser that once completed a sign-in of the account for itself, all strangers
together. So a stranger cannot lock the owner's browser, and someone who knows the password has fifteen guesses a year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MEMORY = timedelta(days=365)
RUNGS = {5: timedelta(minutes=15), 10: timedelta(minutes=60)}
GUARDED_AFTER = 15
GUARDED_TRIES_PER_HOUR = 60
NOTICE_AT = 3
"""The failure at which the owner is told that somebody has the password."""

FREE_PASSWORDS = 5
PASSWORD_DELAY = timedelta(seconds=15)
PASSWORD_DELAY_MAX = timedelta(minutes=15)
PASSWORD_MEMORY = timedelta(hours=24)
"""Wrong passwords are forgotten this long after the last one."""


@dataclass(frozen=True, slots=True)
class Open:
    """A code will be examined; after ``tries_left`` failures the next rung is reached."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class Locked:
    """Nothing is examined before ``until``, and nothing extends it."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Guarded:
    """One six-digit code no longer suffices; ``until`` is set while even the stronger proofs have to wait."""

    until: datetime | None = None


def verdict(failures: Sequence[datetime], now: datetime) -> Open | Locked | Guarded:
    """Judge a bucket by the times of its failures, in any order; those older than 365 days do not count.

    A failure that a wrong clock stamped further ahead than its rung counts, but locks nothing: so no lock promises more
    than its rung, and none lasts longer than twice that.
    """
    counted = sorted(at for at in failures if at > now - MEMORY)
    if len(counted) >= GUARDED_AFTER:
        return _guarded(counted, now)
    rung = RUNGS.get(len(counted))
    recent = [at for at in counted if rung is not None and now - rung < at <= now + rung]
    if rung is not None and recent:
        return Locked(until=min(recent[-1], now) + rung)
    next_rung = min(n for n in (*RUNGS, GUARDED_AFTER) if n > len(counted))
    return Open(tries_left=next_rung - len(counted))


def password_delay(failures: int) -> timedelta:
    """Return how long the next password waits after this many wrong ones: five free, then doubling to 15 minutes."""
    if failures < FREE_PASSWORDS:
        return timedelta(0)
    doublings = min(failures - FREE_PASSWORDS, 10)
    return min(PASSWORD_DELAY * (1 << doublings), PASSWORD_DELAY_MAX)


def _guarded(counted: Sequence[datetime], now: datetime) -> Guarded:
    hour = timedelta(hours=1)
    recent = [at for at in counted if now - hour < at <= now + hour]
    if len(recent) < GUARDED_TRIES_PER_HOUR:
        return Guarded()
    return Guarded(until=min(recent[-GUARDED_TRIES_PER_HOUR], now) + hour)
