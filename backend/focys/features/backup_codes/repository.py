"""The SQL of backup codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, bindparam, delete, func, select, update

from focys.features.backup_codes.models import backup_codes
from focys.infra.db.database import Change, Database, Shape


@dataclass(frozen=True, slots=True)
class Unspent:
    """An unspent code."""

    id: UUID
    code_hash: str


_CODE = Shape(Unspent, backup_codes.c.id, backup_codes.c.code_hash)
_UNSPENT = (
    select(*_CODE.columns)
    .where(backup_codes.c.user_id == bindparam("for_user"), backup_codes.c.spent_at.is_(None))
    .order_by(backup_codes.c.id)
)
_SPEND = (
    update(backup_codes)
    .where(backup_codes.c.id == bindparam("for_code"), backup_codes.c.spent_at.is_(None))
    .values(spent_at=bindparam("moment"))
)
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


def spent(code_id: UUID, now: datetime) -> Change:
    """Mark one code as spent."""
    return Change(_SPEND, {"for_code": code_id, "moment": now})


def all_dropped(user_id: UUID) -> Change:
    """Delete a user's codes."""
    return Change(_DROP, {"for_user": user_id})


def everybodys_dropped() -> Change:
    """Delete all users' codes."""
    return Change(_DROP_EVERYBODYS)


def stored(user_id: UUID, hashes: Sequence[str], now: datetime) -> list[Change]:
    """Insert a new set, as hashes."""
    rows = ({"id": uuid4(), "user_id": user_id, "code_hash": text, "created_at": now} for text in hashes)
    return [Change(backup_codes, row) for row in rows]


class BackupCodeRepository:
    """Reads a user's codes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_unspent(self, user_id: UUID) -> list[Unspent]:
        """Return a user's unspent codes."""
        return [_CODE.read(row) for row in await self._database.rows(_UNSPENT, for_user=user_id)]
