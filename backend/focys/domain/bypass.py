"""A bypass of the second factor: its duration, its reason, and who may use it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from focys.domain.plain_text import is_readable

SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=4)
REASON_LENGTHS = range(10, 201)

_UNITS = {"m": "minutes", "h": "hours"}
_DURATION = re.compile(r"([0-9]{1,3})([mh])")


class BypassError(Exception):
    """The bypass is not allowed; the message is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Bypass:
    """An active bypass, either for one named user or for everyone except administrators."""

    id: UUID
    is_named: bool
    until: datetime

    def lets_in(self, role: str, now: datetime) -> bool:
        """Tell whether an enrolled user with this role may skip the second factor now."""
        return now < self.until and (self.is_named or role != "admin")


def duration_of(text: str) -> timedelta:
    """Parse a duration such as ``30m`` or ``2h``.

    Raises:
        BypassError: the text is not a duration, or the duration is too short or too long.
    """
    found = _DURATION.fullmatch(text)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not SHORTEST <= length <= LONGEST:
        raise BypassError("A bypass lasts from 5m to 4h: --for 30m")
    return length


def checked_reason(text: str) -> str:
    """Return the reason without surrounding whitespace.

    Raises:
        BypassError: it is too short, too long, or contains unprintable characters.
    """
    reason = text.strip()
    if len(reason) not in REASON_LENGTHS or not is_readable(reason):
        raise BypassError("A reason has 10 to 200 characters, all of them printable.")
    return reason
