"""The password policy (NIST SP 800-63B: minimum length and a blocklist, no composition rules)."""

import unicodedata
from collections.abc import Iterable
from enum import StrEnum

from focys.domain.plain_text import is_plain

MIN_LENGTH_WITH_MFA = 8
MIN_LENGTH_ALONE = 15
MAX_LENGTH = 256
MAX_BYTES = 1024
MIN_STRENGTH = 3
"""On zxcvbn's scale of 0 to 4."""

_SHORTEST_CONTEXT_WORD = 4


class Weakness(StrEnum):
    """Why a password is refused, as a sentence for the user."""

    NOT_PLAIN = "That password holds a character that the sign-in page does not take."
    TOO_SHORT = f"That password is too short: it needs at least {MIN_LENGTH_WITH_MFA} characters."
    TOO_SHORT_ALONE = (
        f"That password is too short: without a second step, it needs at least {MIN_LENGTH_ALONE} characters."
    )
    TOO_LONG = "That password is too long."
    UNCHANGED = "That is the password you have now."
    COMMON = "That password is on a list of common or leaked passwords."
    CONTEXT = "That password is too close to your address or to this service's name."
    GUESSABLE = "That password is easy to guess. A few unrelated words make a good one."


def normalize(password: str) -> str:
    """Return the form that is hashed: Unicode NFC, so that the keyboard does not matter, and otherwise as typed."""
    return unicodedata.normalize("NFC", password)


def is_oversized(password: str) -> bool:
    """Tell whether a password is too long to be hashed at all."""
    return len(password) > MAX_LENGTH or len(password.encode("utf-8", "surrogatepass")) > MAX_BYTES


def weakness(
    password: str, *, strength: int, known: bool, context: Iterable[str], mfa_required: bool
) -> Weakness | None:
    """Return why *password* is refused, or None.

    Args:
        password: as typed; lengths count code points.
        strength: zxcvbn's score, 0 to 4.
        known: whether it is on a list of common or leaked passwords.
        context: words an attacker would try first, such as the email address and the product's name.
        mfa_required: whether a second factor is always required; without one, a password must be longer.
    """
    if is_oversized(password):
        return Weakness.TOO_LONG
    if not is_plain(password):
        return Weakness.NOT_PLAIN
    if len(password) < (MIN_LENGTH_WITH_MFA if mfa_required else MIN_LENGTH_ALONE):
        return Weakness.TOO_SHORT if mfa_required else Weakness.TOO_SHORT_ALONE
    if known:
        return Weakness.COMMON
    if _is_mostly_context(password.casefold(), context):
        return Weakness.CONTEXT
    return Weakness.GUESSABLE if strength < MIN_STRENGTH else None


def _is_mostly_context(password: str, context: Iterable[str]) -> bool:
    words = [w.casefold() for w in context if len(w) >= _SHORTEST_CONTEXT_WORD]
    return any(word in password and len(password) - len(word) < MIN_LENGTH_WITH_MFA for word in words)
