"""The SQL of bypasses. The parameter ``moment`` is the time at which a bypass must be active."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    ScalarSelect,
    and_,
    bindparam,
    exists,
    literal,
    or_,
    select,
    update,
)

from focys.features.accounts import CLAIM_LIVE, users
from focys.features.bypass.models import mfa_bypasses
from focys.infra.db.database import Change, Database, Shape

EVERYBODY, NAMED = "everybody", "named"


@dataclass(frozen=True, slots=True)
class NotOver:
    """A bypass that has not ended, as an operator sees it; ``address`` is None if it is for everybody."""

    id: UUID
    user_id: UUID | None
    address: str | None
    reason: str
    operator: str
    begins_at: datetime
    ends_at: datetime

    @property
    def whom(self) -> str:
        """``EVERYBODY``, or ``NAMED`` if it is for one user."""
        return EVERYBODY if self.user_id is None else NAMED

    def is_in_force(self, now: datetime) -> bool:
        """Return whether it is active; one that a wrong clock started in the future is not active until then."""
        return self.begins_at <= now < self.ends_at


def _is_not_over(bypasses: FromClause) -> ColumnElement[bool]:
    return and_(bypasses.c.ended_at.is_(None), bypasses.c.ends_at > bindparam("moment"))


def _is_in_force(bypasses: FromClause) -> ColumnElement[bool]:
    return and_(_is_not_over(bypasses), bypasses.c.begins_at <= bindparam("moment"))


_NOT_OVER = Shape(
    NotOver,
    mfa_bypasses.c.id,
    mfa_bypasses.c.user_id,
    users.c.email.label("address"),
    mfa_bypasses.c.reason,
    mfa_bypasses.c.operator,
    mfa_bypasses.c.begins_at,
    mfa_bypasses.c.ends_at,
)
_LIST = (
    select(*_NOT_OVER.columns)
    .select_from(mfa_bypasses.outerjoin(users, users.c.id == mfa_bypasses.c.user_id))
    .where(_is_not_over(mfa_bypasses))
    .order_by(mfa_bypasses.c.ends_at)
)
_END = (
    update(mfa_bypasses)
    .where(mfa_bypasses.c.id == bindparam("the_bypass"), _is_not_over(mfa_bypasses))
    .values(ended_at=bindparam("moment"))
)
_END_ALL = update(mfa_bypasses).where(_is_not_over(mfa_bypasses)).values(ended_at=bindparam("moment"))
_END_OWN = _END_ALL.where(mfa_bypasses.c.user_id == bindparam("for_user"))
_CLAIM = CLAIM_LIVE.where(
    exists(select(literal(1)).where(mfa_bypasses.c.id == bindparam("the_bypass"), _is_in_force(mfa_bypasses)))
)
_candidate = mfa_bypasses.alias("candidate")


def id_in_force_for(user_id: ColumnElement[UUID]) -> ScalarSelect[UUID]:
    """Return a column with the id of the user's active bypass: their own, or else the one for everybody."""
    return (
        select(_candidate.c.id)
        .where(_is_in_force(_candidate), or_(_candidate.c.user_id == user_id, _candidate.c.user_id.is_(None)))
        .order_by(_candidate.c.user_id.is_(None), _candidate.c.ends_at.desc())
        .limit(1)
        .correlate_except(_candidate)
        .scalar_subquery()
    )


def not_ended(bypass_id: ColumnElement[UUID | None]) -> ColumnElement[bool]:
    """Return the condition that a session's bypass was not ended early, or that it has none."""
    kept = select(literal(1)).where(_candidate.c.id == bypass_id, _candidate.c.ended_at.is_(None))
    return or_(bypass_id.is_(None), exists(kept.correlate_except(_candidate)))


def claim_under(user_id: UUID, seq: int, bypass_id: UUID, now: datetime) -> Change:
    """Guard: like ``accounts.claim``, and the bypass is still active."""
    return Change(_CLAIM, {"for_user": user_id, "seq_read": seq, "the_bypass": bypass_id, "moment": now})


def all_bypasses_ended(now: datetime) -> Change:
    """End every bypass, including those that have not started yet."""
    return Change(_END_ALL, {"moment": now})


def own_bypasses_ended(user_id: UUID, now: datetime) -> Change:
    """End every bypass for this one user, including those that have not started yet."""
    return Change(_END_OWN, {"for_user": user_id, "moment": now})


class BypassRepository:
    """Finds bypasses, and builds the changes that start and end them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_not_over(self, now: datetime) -> list[NotOver]:
        """Return the bypasses that have not ended, sorted by their end."""
        return [_NOT_OVER.read(row) for row in await self._database.rows(_LIST, moment=now)]

    @staticmethod
    def begun(row: dict[str, Any]) -> Change:
        """Insert a bypass."""
        return Change(mfa_bypasses, row)

    @staticmethod
    def ended(bypass_id: UUID, now: datetime) -> Change:
        """Guard: ends a bypass that has not ended yet."""
        return Change(_END, {"the_bypass": bypass_id, "moment": now})
