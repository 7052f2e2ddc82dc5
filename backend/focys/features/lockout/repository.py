"""The SQL of the second-factor ledger, and of the wrong passwords of accounts."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, select

from focys.domain.lockout import PASSWORD_MEMORY
from focys.features.lockout.models import second_factor_failures as failures
from focys.features.lockout.models import throttles
from focys.infra.database import Change, Database
from focys.infra.lifetime import TOLERANCE

_FORGIVE_BROWSER = delete(failures).where(
    failures.c.user_id == bindparam("for_user"),
    or_(
        failures.c.browser_id == bindparam("own_browser"),
        failures.c.login_id == bindparam("for_login"),
        failures.c.at < bindparam("password_changed"),
    ),
)
_FORGIVE_ALL = delete(failures).where(failures.c.user_id == bindparam("for_user"))
_MOST_TRIED = 5000
"""Only so many of the newest buckets are read; more than that in an hour is an attack anyway."""

# A bucket ends a day after its last wrong password, so the index on its end leads to those of the last hour.
_TRIED = (
    select(throttles.c.key)
    .where(
        throttles.c.expires_at > bindparam("since"),
        throttles.c.expires_at <= bindparam("until"),
        throttles.c.key.like("password:%"),
        throttles.c.hits > 0,
    )
    .order_by(throttles.c.expires_at.desc())
    .limit(_MOST_TRIED)
)
_FORGIVE_PASSWORDS = delete(throttles).where(throttles.c.key.like(bindparam("key_pattern")))


def in_bucket(user_id: Any, browser_id: Any) -> ColumnElement[bool]:  # noqa: ANN401  columns of the caller's query
    """Return the condition that a failure counts: the browser's own, or the strangers'; parameter ``since``."""
    return and_(
        failures.c.user_id == user_id,
        failures.c.at > bindparam("since"),
        or_(failures.c.browser_id == browser_id, and_(failures.c.browser_id.is_(None), browser_id.is_(None))),
    )


def failed(user_id: UUID, browser_id: UUID | None, login_id: UUID, now: datetime) -> Change:
    """Record one failed second-factor try."""
    row = {"id": uuid4(), "user_id": user_id, "browser_id": browser_id, "login_id": login_id, "at": now}
    return Change(failures, row)


def forgiven(user_id: UUID, browser_id: UUID | None, login_id: UUID, password_changed_at: datetime | None) -> Change:
    """Drop the failures of the browser that has just signed in, and all that are older than a password change."""
    return Change(
        _FORGIVE_BROWSER,
        {
            "for_user": user_id,
            "own_browser": browser_id,
            "for_login": login_id,
            "password_changed": password_changed_at,
        },
    )


def all_forgiven(user_id: UUID) -> Change:
    """Drop every second-factor failure of an account: an operator's act."""
    return Change(_FORGIVE_ALL, {"for_user": user_id})


def passwords_forgiven(account_key: str) -> Change:
    """Drop the wrong-password counts of an account in all buckets: an operator's act."""
    return Change(_FORGIVE_PASSWORDS, {"key_pattern": f"password:{account_key}:%"})


async def list_tried(database: Database, since: datetime, now: datetime) -> list[tuple[str, str]]:
    """Return account key and network of each bucket whose last wrong password came after *since*.

    For a known browser's bucket, the browser's key takes the place of the network.
    """
    rows = await database.rows(_TRIED, since=since + PASSWORD_MEMORY, until=now + TOLERANCE + PASSWORD_MEMORY)
    keys = (row.key.split(":", 2) for row in rows)
    return [(account, source) for _, account, source in keys]
