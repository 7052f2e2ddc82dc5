"""Text without characters that deceive readers or control a terminal."""

import unicodedata

_CONTROL_OR_SURROGATE = {"Cc", "Cs"}
_DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_plain(text: str) -> bool:
    """Tell whether *text* is free of control characters, unpaired surrogates and direction overrides."""
    return not any(unicodedata.category(c) in _CONTROL_OR_SURROGATE or c in _DIRECTION_OVERRIDES for c in text)


def printable(text: str) -> str:
    """Return *text* with every character that could control a terminal replaced by a question mark."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
