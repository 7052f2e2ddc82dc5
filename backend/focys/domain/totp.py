"""TOTP codes: HOTP (RFC 4226) over time steps (RFC 6238).

SHA-1, six digits, thirty seconds: the only combination that every authenticator app computes correctly.
"""

import base64
import hmac
import re
import struct
from dataclasses import dataclass
from urllib.parse import quote

PERIOD = 30
"""Seconds in one time step (RFC 6238 section 4)."""

DIGITS = 6
SECRET_BYTES = 20
"""160 bits, as RFC 4226 section 4 (R6) recommends."""

SECRET_LENGTHS = (16, 32)
"""Base32 characters without padding. New secrets have 32 (160 bits); 16 are accepted from older apps."""

DRIFT_STEPS = 1
"""Steps accepted before and after the current one (RFC 6238 section 5.2 recommends at most one)."""

HINT_STEPS = 10
"""Steps to look back for a refused code, only to tell its owner that the phone's clock is slow."""

LABEL_BYTES = 60
"""Limit for issuer and account together; hardware keys silently refuse names over 64 bytes."""

_MODULUS = 1_000_000
_SHA1_LAST_BYTE = 19
_four_bytes = struct.Struct(">I").unpack_from


@dataclass(frozen=True, slots=True)
class Match:
    """The code is right: burn ``step``. ``offset`` is the number of steps the phone is ahead (+) or behind (-)."""

    step: int
    offset: int


@dataclass(frozen=True, slots=True)
class Spent:
    """The code was right but has already been used; the app shows the next one in ``next_in`` seconds."""

    next_in: int


@dataclass(frozen=True, slots=True)
class Stale:
    """The code belongs to a step about ``minutes_ago`` minutes ago, which can never be accepted again."""

    minutes_ago: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """The code is not one of this secret's recent codes. Codes that are too early count as wrong, too."""


class ClockBehindError(Exception):
    """The last accepted code is from beyond the window, so the clock is behind and no code can be checked safely."""


def step_at(now: float) -> int:
    """Return the time step that contains *now*, in seconds since the epoch (RFC 6238 section 4.2)."""
    return int(now // PERIOD)


def seconds_left(now: float) -> int:
    """Return the whole seconds (1 to 30) until the code shown at *now* changes."""
    return PERIOD - int(now % PERIOD)


def code_for(secret: str, step: int) -> str:
    """Return the six digits of *step* for a Base32 *secret* (RFC 4226 section 5.3).

    Raises:
        ValueError: the secret is not 16 or 32 Base32 characters.
    """
    return f"{_number_for(_key_of(secret), step):06d}"


def matching_step(
    secret: str, code: str, *, now: float, last_used: int | None = None, drift: int = DRIFT_STEPS
) -> int | None:
    """Return the time step *code* belongs to, or None if it is wrong or already used.

    ``code`` must be six ASCII digits (see ``normalize``). A step must be later than ``last_used`` (RFC 6238
    section 5.2). Every candidate is computed and compared, even after a match.
    """
    key, typed, current = _key_of(secret), int(code), step_at(now)
    matched = None
    for step in range(current - drift, current + drift + 1):
        # Integers below one million fit in one machine word, so comparing them takes constant time.
        if _number_for(key, step) == typed and (last_used is None or step > last_used):
            matched = step
    return matched


def examine(
    secret: str, code: str, *, now: float, last_used: int | None = None, drift: int = DRIFT_STEPS
) -> Match | Spent | Stale | Wrong:
    """Check one code typed at *now* (seconds since the epoch), and return as much detail as is safe to reveal.

    Only codes that can never be accepted again are distinguished from wrong ones.

    Raises:
        ClockBehindError: the last used step is ahead of the window, so nothing can be accepted safely.
    """
    current = step_at(now)
    if last_used is not None and last_used > current + drift:
        raise ClockBehindError
    step = matching_step(secret, code, now=now, last_used=last_used, drift=drift)
    if step is not None:
        return Match(step=step, offset=step - current)
    past = _past_step(secret, code, current=current, drift=drift)
    if past is None:
        return Wrong()
    if past >= current - drift:
        return Spent(next_in=seconds_left(now) + max(past - current, 0) * PERIOD)
    return Stale(minutes_ago=max(1, round((current - past) * PERIOD / 60)))


def examine_pair(
    secret: str, pair: tuple[str, str], *, now: float, last_used: int | None = None, drift: int = DRIFT_STEPS
) -> Match | Wrong:
    """Check two consecutive codes, older first; the newer one must be in the window, and neither may have been used.

    Raises:
        ClockBehindError: as for ``examine``.
    """
    key, current = _key_of(secret), step_at(now)
    if last_used is not None and last_used > current + drift:
        raise ClockBehindError
    first, second = (int(code) for code in pair)
    matched = None
    for step in range(current - drift, current + drift + 1):
        pair_fits = (_number_for(key, step - 1) == first) & (_number_for(key, step) == second)
        if pair_fits and (last_used is None or step - 1 > last_used):
            matched = step
    return Wrong() if matched is None else Match(step=matched, offset=matched - current)


def normalize(typed: str) -> str | None:
    """Return the six digits of a typed code without spaces and dashes, or None if it is not a code."""
    digits = re.sub(r"[ -]", "", typed)
    return digits if re.fullmatch(r"[0-9]{6}", digits) else None


def provisioning_uri(secret: str, *, issuer: str, account: str) -> str:
    """Return the ``otpauth`` URI of a secret, with every parameter explicit, in a form all authenticator apps read.

    Colons are removed from issuer and account (some apps split at the wrong one), and the two are cut to 60 bytes
    together.
    """
    issuer, account = label_parts(issuer, account)
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return (
        f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer, safe='')}"
        f"&algorithm=SHA1&digits={DIGITS}&period={PERIOD}"
    )


def label_parts(issuer: str, account: str, *, number: int = 1) -> tuple[str, str]:
    """Return issuer and account as an authenticator app shows them.

    From the second authenticator of an account on, its *number* is part of the name: some apps overwrite an entry with
    a new one of the same name.
    """
    issuer, suffix = _cut(_plain(issuer), LABEL_BYTES // 2) or "Login", f" ({number})" if number > 1 else ""
    account = _cut(_plain(account), LABEL_BYTES - len(issuer.encode()) - len(suffix)) or "account"
    return issuer, account + suffix


def _plain(name: str) -> str:
    return " ".join("".join(c if c.isprintable() and c != ":" else " " for c in name).split())


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore").rstrip()


def _past_step(secret: str, code: str, *, current: int, drift: int) -> int | None:
    key, typed = _key_of(secret), int(code)
    found = [s for s in range(current - HINT_STEPS, current + drift + 1) if _number_for(key, s) == typed]
    return found[-1] if found else None


def _key_of(secret: str) -> bytes:
    try:
        key = base64.b32decode(secret)
    except ValueError:
        # Its message is not ours to vouch for: it could quote the secret.
        key = b""
    if len(secret) not in SECRET_LENGTHS or len(key) != len(secret) * 5 // 8:
        raise ValueError("a TOTP secret has 16 or 32 Base32 characters")
    return key


def _number_for(key: bytes, step: int) -> int:
    mac = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    number: int = _four_bytes(mac, mac[_SHA1_LAST_BYTE] & 15)[0]
    return (number & 0x7FFFFFFF) % _MODULUS
