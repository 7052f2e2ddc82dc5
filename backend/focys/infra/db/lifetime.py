"""Expiry checks.

A row has expired once its expiry time has passed, or if that time is further ahead than any valid lifetime allows,
because it was written while a clock was wrong.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam

TOLERANCE = timedelta(minutes=1)
"""Allowance for clock skew: a row that expires later than its lifetime plus this was written by a wrong clock."""


def max_expiry(life: timedelta, now: datetime) -> datetime:
    """Return the latest valid expiry time for this lifetime; anything that expires later counts as expired."""
    return now + life + TOLERANCE


def not_expired(expires_at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return the condition that a row has not expired; its parameters are ``moment`` and ``latest_end``."""
    return and_(expires_at > bindparam("moment"), expires_at <= bindparam("latest_end"))
