"""The SQL of backup codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, bindparam, delete, func, select, update

from focys.features.accounts import users
from focys.features.backup_codes.models import backup_codes
from focys.infra.db.database import Change, Database, Shape


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code of the current set; spent ones stay in it until it is replaced."""

    id: UUID
    code_hash: str
    spent_at: datetime | None


_CODE = Shape(IssuedCode, backup_codes.c.id, backup_codes.c.code_hash, backup_codes.c.spent_at)
_CODES = select(*_CODE.columns).where(backup_codes.c.user_id == bindparam("for_user")).order_by(backup_codes.c.id)
_SPEND = (
    update(backup_codes)
    .where(backup_codes.c.id == bindparam("for_code"), backup_codes.c.spent_at.is_(None))
    .values(spent_at=bindparam("moment"))
)
_SAVE_ALL = update(backup_codes).where(backup_codes.c.user_id == bindparam("for_user")).values(unsaved_set=None)
_SAVE = _SAVE_ALL.where(backup_codes.c.unsaved_set == bindparam("the_set"))
_SAVE_OTHERS = _SAVE_ALL.where(backup_codes.c.unsaved_set.is_not(None), backup_codes.c.id != bindparam("for_code"))
_DROP = delete(backup_codes).where(backup_codes.c.user_id == bindparam("for_user"))
_DROP_EVERYBODYS = delete(backup_codes)


def left_for(user_id: ColumnElement[UUID]) -> ColumnElement[int]:
    """Return a column with the number of unspent codes of the user in another column of the same query."""
    return (
        select(func.count(backup_codes.c.id))
        .where(backup_codes.c.user_id == user_id, backup_codes.c.spent_at.is_(None))
        .correlate_except(backup_codes)
        .scalar_subquery()
    )


def unsaved_for(user_id: ColumnElement[UUID]) -> ColumnElement[UUID | None]:
    """Return a column with the set that the user has not acknowledged as saved, or null; like ``left_for``."""
    return (
        select(backup_codes.c.unsaved_set)
        .where(
            backup_codes.c.user_id == user_id,
            backup_codes.c.spent_at.is_(None),
            backup_codes.c.unsaved_set.is_not(None),
        )
        .limit(1)
        .correlate_except(backup_codes)
        .scalar_subquery()
    )


def spent(code_id: UUID, now: datetime) -> Change:
    """Mark one code as spent."""
    return Change(_SPEND, {"for_code": code_id, "moment": now})


def saved(user_id: UUID, set_id: UUID) -> Change:
    """Mark a set as saved; changes nothing if it is saved already, or was replaced."""
    return Change(_SAVE, {"for_user": user_id, "the_set": set_id})


def others_saved(user_id: UUID, code_id: UUID) -> Change:
    """Mark all codes except one as saved, because its owner has just used that one."""
    return Change(_SAVE_OTHERS, {"for_user": user_id, "for_code": code_id})


def all_dropped(user_id: UUID) -> Change:
    """Delete a user's codes."""
    return Change(_DROP, {"for_user": user_id})


def everybodys_dropped() -> Change:
    """Delete all users' codes."""
    return Change(_DROP_EVERYBODYS)


def stored(user_id: UUID, set_id: UUID, hashes: Sequence[str], now: datetime) -> list[Change]:
    """Insert a new set, as hashes; it is not saved yet."""
    row = {"user_id": user_id, "created_at": now, "unsaved_set": set_id}
    return [Change(backup_codes, {**row, "id": uuid4(), "code_hash": text}) for text in hashes]


@dataclass(frozen=True, slots=True)
class UnsavedSet:
    """The set that an account has not acknowledged as saved, or None; its version, and whether it has a factor."""

    attempt_seq: int
    mfa_enabled: bool
    unsaved_set: UUID | None


_UNSAVED = Shape(UnsavedSet, users.c.attempt_seq, users.c.mfa_enabled, unsaved_for(users.c.id).label("unsaved_set"))
_UNSAVED_OF = select(*_UNSAVED.columns).where(users.c.id == bindparam("for_user"))


class BackupCodeRepository:
    """Reads a user's codes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_for(self, user_id: UUID) -> list[IssuedCode]:
        """Return a user's codes, including the spent ones."""
        return [_CODE.read(row) for row in await self._database.rows(_CODES, for_user=user_id)]

    async def find_unsaved(self, user_id: UUID) -> UnsavedSet | None:
        """Return the account's unsaved set and version, or None if the account is gone."""
        row = await self._database.first(_UNSAVED_OF, for_user=user_id)
        return _UNSAVED.read(row) if row is not None else None
