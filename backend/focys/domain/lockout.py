"""The lockout policy: takes failures and the time, returns a lock state.

    failures in 365 days   0 ··· 4   5          6 ··· 9   10         11 ··· 14   15 or more
    lock state             Open      15 min     Open      60 min     Open        Guarded
                                     Locked               Locked

A lock stops guessing, but never locks out someone who has the factor: while an account is locked or guarded, a single
six-digit code is not checked, but two codes in a row and backup codes are.

Failures are counted per bucket. Each browser that has completed a sign-in to the account has its own bucket; all other
browsers share one. So a stranger cannot lock the owner's browser, and anyone who knows the password gets fifteen
guesses a year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

MEMORY = timedelta(days=365)
LOCKS = {5: timedelta(minutes=15), 10: timedelta(minutes=60)}
GUARDED_AFTER = 15
STRONG_WINDOW = timedelta(hours=1)
STRONG_TRIES = 60
"""Strong proofs in a bucket that may fail per hour, from all networks together, while single codes are refused."""
STRONG_TRIES_PER_NETWORK = 10
MAX_FAILURES = 100
"""After this many failures of a bucket, two codes in a row are no longer checked either while single codes are refused
(NIST SP 800-63B section 3.2.2)."""
NOTICE_AT = 3
"""The failure that triggers an email to the owner: someone knows the password."""

FREE_PASSWORDS = 5
PASSWORD_DELAY = timedelta(seconds=15)
PASSWORD_DELAY_MAX = timedelta(minutes=15)
PASSWORD_MEMORY = timedelta(hours=24)
"""Wrong passwords are forgotten this long after the last one."""


class Strength(IntEnum):
    """How hard a proof is to guess."""

    WEAK = 0
    """A few digits."""
    STRONG = 1
    """Two codes in a row: twelve digits, still rate limited."""
    UNGUESSABLE = 2
    """64 bits or more."""


@dataclass(frozen=True, slots=True)
class Failures:
    """A bucket's failures of the last 365 days.

    Attributes:
        counted: times of the failures that count toward a lock, in any order.
        strong: times in the last hour at which strong proofs failed while single codes were refused.
        strong_here: the part of ``strong`` that came from the caller's network.
        total: the number of failures since the last password change.
    """

    counted: Sequence[datetime] = ()
    strong: Sequence[datetime] = ()
    strong_here: Sequence[datetime] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class Open:
    """Single codes are checked; after ``tries_left`` more failures the next lock begins.

    ``next_pause`` is the length of that lock; None if guarded mode follows.
    """

    tries_left: int
    next_pause: timedelta | None


@dataclass(frozen=True, slots=True)
class Locked:
    """No single code is checked before ``until``; nothing extends that time."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Guarded:
    """Single codes are no longer checked; ``until`` is set while two codes in a row are refused, too."""

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Disabled:
    """``MAX_FAILURES`` since the last password change: only unguessable proofs are still checked."""


LockState = Open | Locked | Guarded


def lock_state(failures: Failures, now: datetime) -> LockState:
    """Return a bucket's lock state for single codes; failures older than 365 days do not count.

    A failure recorded while the clock was ahead by more than the length of its lock counts, but locks nothing. So no
    lock announces a wait longer than its length, and none lasts more than twice its length.
    """
    counted = sorted(at for at in failures.counted if at > now - MEMORY)
    if len(counted) >= GUARDED_AFTER:
        return Guarded(_full_until(failures.strong, STRONG_TRIES, now))
    length = LOCKS.get(len(counted))
    recent = [at for at in counted if length is not None and now - length < at <= now + length]
    if length is not None and recent:
        return Locked(until=min(recent[-1], now) + length)
    next_lock = min(n for n in (*LOCKS, GUARDED_AFTER) if n > len(counted))
    return Open(next_lock - len(counted), LOCKS.get(next_lock))


def obstacle(failures: Failures, strength: Strength, now: datetime) -> Locked | Guarded | Disabled | None:
    """Return what keeps a proof of this strength from being checked now, or None."""
    state = lock_state(failures, now)
    if isinstance(state, Open):
        return None
    if strength is Strength.WEAK:
        return state
    if strength is Strength.STRONG and failures.total >= MAX_FAILURES:
        return Disabled()
    until = _full_until(failures.strong_here, STRONG_TRIES_PER_NETWORK, now)
    if until is None and strength is Strength.STRONG:
        until = _full_until(failures.strong, STRONG_TRIES, now)
    return Locked(until) if until is not None else None


def password_delay(failures: int) -> timedelta:
    """Return the wait after this many wrong passwords: none below five, then 15 seconds, doubling up to 15 minutes."""
    if failures < FREE_PASSWORDS:
        return timedelta(0)
    doublings = min(failures - FREE_PASSWORDS, 10)
    return min(PASSWORD_DELAY * (1 << doublings), PASSWORD_DELAY_MAX)


def _full_until(strong: Sequence[datetime], most: int, now: datetime) -> datetime | None:
    """Return when fewer than *most* of these failures will be within the last hour, or None if that is true now."""
    recent = sorted(at for at in strong if now - STRONG_WINDOW < at <= now + STRONG_WINDOW)
    return min(recent[-most], now) + STRONG_WINDOW if len(recent) >= most else None
