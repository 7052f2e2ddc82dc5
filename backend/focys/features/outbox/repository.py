"""The SQL of the outbox. A letter is claimed by one conditional UPDATE, so that of many workers one sends it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, column, func, or_, select, table, update

from focys.features.outbox.models import outbox
from focys.infra.db.database import Change, Database, Shape

# The table belongs to the tier above; only the address is read, at the moment of sending.
_users = table("users", column("id"), column("email"))

_LONGEST_WAIT = timedelta(minutes=15)
# What waits for longer than any letter does was stamped by a clock that stood far ahead.
_is_due = or_(outbox.c.due_at <= bindparam("moment"), outbox.c.due_at > bindparam("far"))


@dataclass(frozen=True, slots=True)
class Due:
    """An email to try now, with its owner's address; ``tries`` counts earlier tries."""

    id: UUID
    user_id: UUID
    email: str
    kind: str
    about: Mapping[str, Any]
    created_at: datetime
    tries: int


_LETTER = Shape(
    Due,
    outbox.c.id,
    outbox.c.user_id,
    _users.c.email,
    outbox.c.kind,
    outbox.c.about,
    outbox.c.created_at,
    outbox.c.tries,
)
_DUE = (
    select(*_LETTER.columns)
    .join_from(outbox, _users, _users.c.id == outbox.c.user_id)
    .where(outbox.c.done_at.is_(None), _is_due)
    .order_by(outbox.c.due_at)
    .limit(20)
)
_WAITING = select(func.count()).where(outbox.c.done_at.is_(None), outbox.c.created_at < bindparam("moment"))
# What left before it began cannot have been written within it; so the index on done_at leads to the few that may.
_WRITTEN = select(func.count()).where(
    outbox.c.kind == bindparam("of_kind"),
    outbox.c.created_at > bindparam("moment"),
    or_(outbox.c.done_at.is_(None), outbox.c.done_at > bindparam("moment")),
)
_CLAIM = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("letter"),
        outbox.c.tries == bindparam("tries_read"),
        outbox.c.done_at.is_(None),
    )
    .values(tries=outbox.c.tries + 1, due_at=bindparam("next_try"))
)
_POSTPONE = update(outbox).where(outbox.c.id == bindparam("letter")).values(due_at=bindparam("next_try"))
_DONE = update(outbox).where(outbox.c.id == bindparam("letter")).values(done_at=bindparam("moment"))
_WITHDRAW = update(outbox).where(outbox.c.done_at.is_(None)).values(done_at=bindparam("moment"))
_LAST = select(func.max(outbox.c.created_at)).where(
    outbox.c.user_id == bindparam("for_user"),
    outbox.c.kind == bindparam("of_kind"),
    outbox.c.created_at <= bindparam("far"),
)


def all_withdrawn(now: datetime) -> Change:
    """Mark every letter that has not been sent as done."""
    return Change(_WITHDRAW, {"moment": now})


class OutboxRepository:
    """Reads what is due and marks what is done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_due(self, now: datetime) -> list[Due]:
        """Return emails to try now, oldest first."""
        rows = await self._database.rows(_DUE, moment=now, far=now + 2 * _LONGEST_WAIT)
        return [_LETTER.read(row) for row in rows]

    async def count_waiting(self, since: datetime) -> int:
        """Return how many letters written before *since* have not left."""
        row = await self._database.first(_WAITING, moment=since)
        return int(row[0]) if row else 0

    async def count_written(self, kind: str, since: datetime) -> int:
        """Return how many letters of a kind were written after *since*."""
        row = await self._database.first(_WRITTEN, of_kind=kind, moment=since)
        return int(row[0]) if row else 0

    async def claim(self, letter: UUID, tries: int, until: datetime) -> bool:
        """Take a letter for one try, which nobody else makes before *until*; False if another worker has it."""
        return await self._database.write(
            guard=Change(_CLAIM, {"letter": letter, "tries_read": tries, "next_try": until})
        )

    async def postpone(self, letter: UUID, next_try: datetime) -> None:
        """Try a letter again later."""
        await self._database.write(Change(_POSTPONE, {"letter": letter, "next_try": next_try}))

    async def mark_done(self, letter: UUID, now: datetime) -> None:
        """Never try a letter again."""
        await self._database.write(Change(_DONE, {"letter": letter, "moment": now}))

    async def is_recent(self, user_id: UUID, kind: str, since: datetime, now: datetime) -> bool:
        """Return whether a letter of this kind was written for the user after *since*."""
        row = await self._database.first(_LAST, for_user=user_id, of_kind=kind, far=now + 2 * _LONGEST_WAIT)
        last: datetime | None = row[0] if row else None
        return last is not None and last > since


def backoff(tries: int) -> timedelta:
    """Return how long to wait after this many tries: 5 s, 20 s, 80 s … at most 15 minutes."""
    return min(timedelta(seconds=5 * 4**tries), _LONGEST_WAIT)
