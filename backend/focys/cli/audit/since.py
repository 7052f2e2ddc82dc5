"""``--since``: a length of time before now, or a day."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class SinceError(ValueError):
    """The text is neither a length of time nor a day."""


def parse_since(text: str) -> timedelta | datetime:
    """Return the length of ``30m``, ``12h`` or ``7d``, or the beginning (UTC) of a day such as ``2026-01-31``.

    Raises:
        SinceError: it is neither.
    """
    length = re.fullmatch(r"([0-9]{1,5})([mhd])", text)
    if length is not None:
        return int(length[1]) * _UNITS[length[2]]
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise SinceError("Give a length of time or a day: --since 7d, --since 12h, --since 2026-01-31") from None
