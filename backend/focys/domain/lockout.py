"""Whether an account takes another guess: failures and a time in, a lock state out.

    failures in 365 days   0 ··· 4   5          6 ··· 9   10         11 ··· 14   15 and more
    lock state             Open      15 min     Open      60 min     Open        Guarded
                                     Locked               Locked

A lock stops guessers, never the holder of a factor: while an account is locked or guarded, a single six-digit code is
not checked, but two codes in a row and backup codes are.

Failures are counted per bucket: each browser that once completed a sign-in of the account has its own; all strangers
share one. So a stranger cannot lock the owner's browser, and someone who knows the password has fifteen guesses a year.
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
"""Strong proofs of a bucket that may fail in an hour while single codes are refused, from all networks together."""
STRONG_TRIES_PER_NETWORK = 10
MAX_FAILURES = 100
"""Failures of a bucket after which its strong proofs are no longer checked (NIST SP 800-63B section 3.2.2)."""
NOTICE_AT = 3
"""The failure that triggers an email to the owner: someone has the password."""

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
    """Two codes in a row: twelve digits, still worth a limit."""
    UNGUESSABLE = 2
    """64 bits and more."""


@dataclass(frozen=True, slots=True)
class Failures:
    """A bucket's failures of the last 365 days.

    Attributes:
        counted: when the failures that count toward the locks happened, in any order.
        strong: when strong proofs failed within the last hour, while single codes were refused.
        strong_here: those from the visitor's network.
        total: the number of failures since the last change of password.
    """

    counted: Sequence[datetime] = ()
    strong: Sequence[datetime] = ()
    strong_here: Sequence[datetime] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class Open:
    """A single code is checked; after ``tries_left`` more failures the next lock begins."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class Locked:
    """No single code is checked before ``until``, and nothing extends it."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Guarded:
    """No single code is checked any more; ``until`` is set while two codes in a row have to wait, too."""

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Disabled:
    """Too many strong proofs have failed: only an unguessable proof is still checked."""


LockState = Open | Locked | Guarded


def lock_state(failures: Failures, now: datetime) -> LockState:
    """Return what a bucket's failures mean for a single code; those older than 365 days do not count.

    If a wrong clock stamped a failure further ahead than its lock lasts, the failure counts but locks nothing. So no
    lock announces more than its length, and none lasts longer than twice that.
    """
    counted = sorted(at for at in failures.counted if at > now - MEMORY)
    if len(counted) >= GUARDED_AFTER:
        return Guarded(_full_until(failures.strong, STRONG_TRIES, now))
    length = LOCKS.get(len(counted))
    recent = [at for at in counted if length is not None and now - length < at <= now + length]
    if length is not None and recent:
        return Locked(until=min(recent[-1], now) + length)
    next_lock = min(n for n in (*LOCKS, GUARDED_AFTER) if n > len(counted))
    return Open(tries_left=next_lock - len(counted))


def obstacle(failures: Failures, strength: Strength, now: datetime) -> Locked | Guarded | Disabled | None:
    """Return why a proof of this strength is not checked now, or None if it is."""
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
    """Return how long the next password waits after this many wrong ones: five free, then doubling to 15 minutes."""
    if failures < FREE_PASSWORDS:
        return timedelta(0)
    doublings = min(failures - FREE_PASSWORDS, 10)
    return min(PASSWORD_DELAY * (1 << doublings), PASSWORD_DELAY_MAX)


def _full_until(strong: Sequence[datetime], most: int, now: datetime) -> datetime | None:
    """Return when fewer than *most* of these failures will be within the last hour, or None if that is already so."""
    recent = sorted(at for at in strong if now - STRONG_WINDOW < at <= now + STRONG_WINDOW)
    return min(recent[-most], now) + STRONG_WINDOW if len(recent) >= most else None
