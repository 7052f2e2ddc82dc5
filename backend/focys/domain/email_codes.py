"""The code that proves access to a mailbox. It is derived from a keyed digest, so it is never stored."""

from collections.abc import Sequence
from datetime import datetime

from focys.domain import crockford, totp
from focys.domain.lockout import MEMORY

TRIES = 5
"""Wrong entries after which a code is void and a new one must be requested."""

LONG_AFTER = 10
"""Failures in 365 days after which six digits are no longer enough."""


def is_long(failures: Sequence[datetime], now: datetime) -> bool:
    """Tell whether the next code must have sixteen characters instead of six digits."""
    return sum(at > now - MEMORY for at in failures) >= LONG_AFTER


def length(*, long: bool) -> int:
    """Return the number of characters in a code, not counting dashes."""
    return crockford.LENGTH if long else totp.DIGITS


def spell(digest: bytes, *, long: bool) -> str:
    """Return the code derived from a 32-byte keyed digest."""
    if long:
        return crockford.encode(digest[: crockford.CODE_BYTES])
    return f"{int.from_bytes(digest, 'big') % 10**totp.DIGITS:06d}"


def normalize(typed: str, *, long: bool) -> str | None:
    """Return the canonical form of a typed code, or None if it cannot be a code."""
    return crockford.normalize(typed) if long else totp.normalize(typed)
