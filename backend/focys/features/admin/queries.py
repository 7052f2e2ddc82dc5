"""What operators see of an account, in one query."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, select

from focys.features.accounts import users
from focys.features.backup_codes import left_for
from focys.features.browsers import count_for
from focys.infra.db.database import Database

_counts: tuple[ColumnElement[Any], ...] = (
    left_for(users.c.id).label("backup_codes"),
    count_for(users.c.id, users.c.credential_epoch).label("browsers"),
)
_COUNTS = select(*_counts).where(users.c.id == bindparam("for_user"))


async def count_codes_and_browsers(database: Database, user_id: UUID) -> tuple[int, int]:
    """Return how many unspent backup codes and how many known browsers an account has."""
    row = await database.first(_COUNTS, for_user=user_id)
    return (row.backup_codes, row.browsers) if row is not None else (0, 0)
