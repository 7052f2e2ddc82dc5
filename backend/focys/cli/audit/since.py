"""``--since``: how long ago, or a date."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class SinceError(ValueError):
    """The text is neither a duration nor a date."""


def parse_since(text: str) -> timedelta | datetime:
    """Return the duration of ``30m``, ``12h`` or ``7d``, or the beginning (UTC) of a date such as ``2026-01-31``.

    Raises:
        SinceError: it is neither.
    """
    length = re.fullmatch(r"([0-9]{1,5})([mhd])", text)
    if length is not None:
        return int(length[1]) * _UNITS[length[2]]
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise SinceError("Give a duration or a date: --since 7d, --since 12h, --since 2026-01-31") from None
