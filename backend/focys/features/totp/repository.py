"""The SQL of pending enrolments: at most one per user."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from focys.features.accounts import users
from focys.features.totp.models import totp_enrolments as enrolments
from focys.infra.database import Change, Database

_FIND = select(enrolments).where(
    enrolments.c.user_id == bindparam("for_user"), enrolments.c.expires_at > bindparam("moment")
)
_SEALED = select(users.c.totp_secret).where(users.c.totp_secret.is_not(None)).limit(20)
# A sealed text begins with "v1." and eight digits of the key's id.
_seal = func.substr(users.c.totp_secret, 1, 12).label("seal")
_SEALS = select(_seal, func.count()).where(users.c.totp_secret.is_not(None)).group_by(_seal)
_insert = insert(enrolments)
# Two tabs that begin at once end with one secret: the later row only takes the place of one that is over, or replaced.
_BEGIN = _insert.values(
    user_id=bindparam("for_user"),
    secret=bindparam("sealed"),
    created_at=bindparam("moment"),
    expires_at=bindparam("until"),
).on_conflict_do_update(
    index_elements=[enrolments.c.user_id],
    set_={
        "secret": _insert.excluded.secret,
        "created_at": _insert.excluded.created_at,
        "expires_at": _insert.excluded.expires_at,
    },
    where=(enrolments.c.expires_at <= bindparam("moment")) | (enrolments.c.secret == bindparam("replaces")),
)
_DROP = delete(enrolments).where(enrolments.c.user_id == bindparam("for_user"))


def enrolment_dropped(user_id: UUID) -> Change:
    """Drop a pending enrolment."""
    return Change(_DROP, {"for_user": user_id})


def enrolment_begun(user_id: UUID, sealed: str, *, replaces: str, now: datetime, until: datetime) -> Change:
    """Store a pending secret, unless another one got there first; ``replaces`` is the one to be thrown away."""
    values = {"for_user": user_id, "sealed": sealed, "replaces": replaces, "moment": now, "until": until}
    return Change(_BEGIN, values)


class EnrolmentRepository:
    """Finds enrolments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: UUID, now: datetime) -> Row[Any] | None:
        """Return the pending enrolment, if it is not over."""
        return await self._database.first(_FIND, for_user=user_id, moment=now)

    async def drop(self, user_id: UUID) -> None:
        """Drop a pending enrolment."""
        await self._database.write(enrolment_dropped(user_id))

    async def list_seals(self) -> list[tuple[str, int]]:
        """Return how each stored secret begins, which names its key, with the number of secrets that do."""
        rows: Sequence[Any] = await self._database.rows(_SEALS)
        return [(seal, number) for seal, number in rows]

    async def list_sealed(self) -> list[str]:
        """Return some stored secrets, as they are sealed."""
        return [row.totp_secret for row in await self._database.rows(_SEALED)]
