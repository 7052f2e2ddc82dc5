"""When something is over that was given an end: at its end, or at once if a clock that stood far ahead has given it."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam

TOLERANCE = timedelta(minutes=1)
"""What is stamped further ahead than this was stamped by a wrong clock."""


def max_expiry(life: timedelta, now: datetime) -> datetime:
    """Return the latest end that something which lives so long may have now; what ends later is over."""
    return now + life + TOLERANCE


def not_expired(ends_at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return the condition that something is not over; parameters ``moment`` and ``latest_end``."""
    return and_(ends_at > bindparam("moment"), ends_at <= bindparam("latest_end"))
