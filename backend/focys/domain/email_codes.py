"""The code that proves a mailbox: spelled from a keyed digest, so that it is never stored."""

from collections.abc import Sequence
from datetime import datetime

from focys.domain import crockford, totp
from focys.domain.lockout import MEMORY

TRIES = 5
"""Wrong entries after which a code is dead and a new one must be asked for."""

LONG_AFTER = 10
"""Failures in 365 days after which six digits are no longer enough."""


def is_long(failures: Sequence[datetime], now: datetime) -> bool:
    """Tell whether the next code has sixteen characters instead of six digits."""
    return sum(at > now - MEMORY for at in failures) >= LONG_AFTER


def length(*, long: bool) -> int:
    """Return how many characters a code has, without its dashes."""
    return crockford.LENGTH if long else totp.DIGITS


def spell(digest: bytes, *, long: bool) -> str:
    """Return the code that a 32-byte keyed digest stands for."""
    if long:
        return crockford.encode(digest[: crockford.CODE_BYTES])
    return f"{int.from_bytes(digest, 'big') % 10**totp.DIGITS:06d}"


def normalise(typed: str, *, long: bool) -> str | None:
    """Return what a person typed in the code's one spelling, or None if it cannot be one."""
    return crockford.normalise(typed) if long else totp.normalise(typed)
