"""The SQL of wrong mailed codes."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import bindparam, delete, select

from focys.domain.email_codes import LONG_AFTER
from focys.domain.lockout import MEMORY
from focys.features.email_code.models import email_code_failures as failures
from focys.infra.database import Change, Database

_RECENT = (
    select(failures.c.at)
    .where(failures.c.user_id == bindparam("for_user"), failures.c.at > bindparam("since"))
    .limit(LONG_AFTER)
)
_FORGIVE = delete(failures).where(failures.c.user_id == bindparam("for_user"))


def failed(user_id: UUID, now: datetime) -> Change:
    """Record one wrong entry."""
    return Change(failures, {"id": uuid4(), "user_id": user_id, "at": now})


def email_failures_forgiven(user_id: UUID) -> Change:
    """Drop all wrong entries of an account: an operator's act."""
    return Change(_FORGIVE, {"for_user": user_id})


class EmailFailures:
    """Reads the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_recent(self, user_id: UUID, now: datetime) -> list[datetime]:
        """Return the times of the year's wrong entries; ten are enough to know."""
        return [row.at for row in await self._database.rows(_RECENT, for_user=user_id, since=now - MEMORY)]
