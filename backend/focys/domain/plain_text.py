"""Text without characters that deceive readers or control a terminal."""

import unicodedata

_CONTROL_OR_SURROGATE = {"Cc", "Cs"}
_DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_VISIBLE = {"L", "N", "P", "S"}
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Characters of these categories that show nothing: the Hangul fillers and the empty Braille pattern."""


def is_plain(text: str) -> bool:
    """Tell whether *text* is free of control characters, unpaired surrogates and direction overrides."""
    return not any(unicodedata.category(c) in _CONTROL_OR_SURROGATE or c in _DIRECTION_OVERRIDES for c in text)


def is_readable(text: str) -> bool:
    """Tell whether *text* is plain, has a single line, and shows at least one character."""
    is_shown = any(unicodedata.category(c)[0] in _VISIBLE and c not in _BLANK for c in text)
    return is_shown and is_plain(text) and text.splitlines() == [text]


def printable(text: str) -> str:
    """Return *text* with every character that could control a terminal replaced by a question mark."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
