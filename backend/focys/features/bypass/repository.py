"""The SQL of bypasses. Whether one is in force is a matter of the time, which is the parameter ``moment``."""

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
    """A bypass that is not over, as an operator sees it; ``address`` is None if it applies to everybody."""

    id: UUID
    user_id: UUID | None
    address: str | None
    reason: str
    operator: str
    begins_at: datetime
    ends_at: datetime

    @property
    def whom(self) -> str:
        """Whether it is for everybody or for a named person."""
        return EVERYBODY if self.user_id is None else NAMED

    def is_in_force(self, now: datetime) -> bool:
        """Return whether it is in force; if a wrong clock put its start in the future, it waits until then."""
        return self.begins_at <= now < self.ends_at


def _is_not_over(bypasses: FromClause) -> ColumnElement[bool]:
    return and_(bypasses.c.ended_at.is_(None), bypasses.c.ends_at > bindparam("moment"))


def _is_in_force(bypasses: FromClause) -> ColumnElement[bool]:
    # One that a clock far ahead has begun waits until its time has come.
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
    """Return the bypass that a person may come under, the own one before everybody's, as a column."""
    return (
        select(_candidate.c.id)
        .where(_is_in_force(_candidate), or_(_candidate.c.user_id == user_id, _candidate.c.user_id.is_(None)))
        .order_by(_candidate.c.user_id.is_(None), _candidate.c.ends_at.desc())
        .limit(1)
        .correlate_except(_candidate)
        .scalar_subquery()
    )


def not_ended(bypass_id: ColumnElement[UUID | None]) -> ColumnElement[bool]:
    """Return the condition that what was opened under a bypass may go on, or was opened under none."""
    kept = select(literal(1)).where(_candidate.c.id == bypass_id, _candidate.c.ended_at.is_(None))
    return or_(bypass_id.is_(None), exists(kept.correlate_except(_candidate)))


def claim_under(user_id: UUID, seq: int, bypass_id: UUID, now: datetime) -> Change:
    """Guard: this attempt is the next one, the account is live, and the bypass is still in force."""
    return Change(_CLAIM, {"for_user": user_id, "seq_read": seq, "the_bypass": bypass_id, "moment": now})


def all_bypasses_ended(now: datetime) -> Change:
    """End every bypass that is not over, also one whose time has not come."""
    return Change(_END_ALL, {"moment": now})


def own_bypasses_ended(user_id: UUID, now: datetime) -> Change:
    """End what was begun for one person by name, also what waits."""
    return Change(_END_OWN, {"for_user": user_id, "moment": now})


class BypassRepository:
    """Finds, begins and ends bypasses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_not_over(self, now: datetime) -> list[NotOver]:
        """Return the bypasses that have not ended, by their end."""
        return [_NOT_OVER.read(row) for row in await self._database.rows(_LIST, moment=now)]

    @staticmethod
    def begun(row: dict[str, Any]) -> Change:
        """Insert a bypass."""
        return Change(mfa_bypasses, row)

    @staticmethod
    def ended(bypass_id: UUID, now: datetime) -> Change:
        """Guard: end a bypass that is not over."""
        return Change(_END, {"the_bypass": bypass_id, "moment": now})
