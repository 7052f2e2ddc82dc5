"""Crockford's Base32, for codes that people copy by hand: no I, L, O or U, and look-alikes are accepted."""

import re

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
"""Characters in one code: 80 bits."""

CODE_BYTES = LENGTH * 5 // 8
_LOOKALIKES = str.maketrans("OIL", "011")


def encode(entropy: bytes) -> str:
    """Return ten bytes as 16 characters in four groups: ``XXXX-XXXX-XXXX-XXXX``.

    Raises:
        ValueError: *entropy* is not exactly ten bytes.
    """
    if len(entropy) != CODE_BYTES:
        raise ValueError("a code is made from exactly ten bytes")
    number = int.from_bytes(entropy, "big")
    symbols = "".join(ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))
    return "-".join(symbols[i : i + 4] for i in range(0, LENGTH, 4))


def normalize(typed: str) -> str | None:
    """Return the canonical form of a typed code, or None if it cannot be a code.

    Case, spaces and dashes are ignored; O is read as 0, I and L as 1.
    """
    symbols = re.sub(r"[ -]", "", typed).upper().translate(_LOOKALIKES)
    return symbols if len(symbols) == LENGTH and all(c in ALPHABET for c in symbols) else None
