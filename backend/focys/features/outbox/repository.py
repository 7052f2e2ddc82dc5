"""The SQL of the outbox. A conditional UPDATE claims an email, so only one worker sends it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, column, func, or_, select, table, update

from focys.features.outbox.models import RECIPIENT, outbox
from focys.infra.db.database import Change, Database, Shape

# ``users`` belongs to a higher tier. The address is read when the email is sent, so it is current, unless the email
# itself names another one.
_users = table("users", column("id"), column("email"))

_LONGEST_WAIT = timedelta(minutes=15)
# A ``due_at`` beyond the longest back-off was recorded by a wrong clock; treat it as due.
_is_due = or_(outbox.c.due_at <= bindparam("moment"), outbox.c.due_at > bindparam("far"))


@dataclass(frozen=True, slots=True)
class Due:
    """An email to send now, with its recipient's address; ``tries`` counts earlier tries."""

    id: UUID
    user_id: UUID
    email: str
    kind: str
    about: Mapping[str, Any]
    created_at: datetime
    tries: int


_ROW = Shape(
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
    select(*_ROW.columns)
    .join_from(outbox, _users, _users.c.id == outbox.c.user_id)
    .where(outbox.c.done_at.is_(None), _is_due)
    .order_by(outbox.c.due_at)
    .limit(20)
)
_WAITING = select(func.count()).where(outbox.c.done_at.is_(None), outbox.c.created_at < bindparam("moment"))
_OLDEST_RECIPIENT = (
    select(_users.c.email)
    .join_from(outbox, _users, _users.c.id == outbox.c.user_id)
    .where(outbox.c.done_at.is_(None), outbox.c.created_at < bindparam("moment"))
    .order_by(outbox.c.created_at)
    .limit(1)
)
# Emails sent before the window can't have been created in it, so the index on done_at narrows the scan.
_QUEUED = select(func.count()).where(
    outbox.c.kind == bindparam("of_kind"),
    outbox.c.created_at > bindparam("moment"),
    or_(outbox.c.done_at.is_(None), outbox.c.done_at > bindparam("moment")),
)
_CLAIM = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("email_id"),
        outbox.c.tries == bindparam("tries_read"),
        outbox.c.done_at.is_(None),
    )
    .values(tries=outbox.c.tries + 1, due_at=bindparam("next_try"))
)
_POSTPONE = update(outbox).where(outbox.c.id == bindparam("email_id")).values(due_at=bindparam("next_try"))
_DONE = update(outbox).where(outbox.c.id == bindparam("email_id")).values(done_at=bindparam("moment"))
_WITHDRAW = update(outbox).where(outbox.c.done_at.is_(None)).values(done_at=bindparam("moment"))
_WITHDRAW_FOR_USER = _WITHDRAW.where(outbox.c.user_id == bindparam("for_user"))
_LAST = select(func.max(outbox.c.created_at)).where(
    outbox.c.user_id == bindparam("for_user"),
    outbox.c.kind == bindparam("of_kind"),
    outbox.c.created_at <= bindparam("far"),
)


def withdrawn(user_id: UUID, now: datetime) -> Change:
    """Mark an account's unsent emails as done, so they are never sent."""
    return Change(_WITHDRAW_FOR_USER, {"for_user": user_id, "moment": now})


def all_withdrawn(now: datetime) -> Change:
    """Mark every unsent email as done, so it is never sent."""
    return Change(_WITHDRAW, {"moment": now})


async def count_queued(database: Database, kind: str, since: datetime) -> int:
    """Return how many emails of a kind were queued after *since*."""
    row = await database.first(_QUEUED, of_kind=kind, moment=since)
    return int(row[0]) if row else 0


class OutboxRepository:
    """Reads queued emails and marks them as done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_due(self, now: datetime) -> list[Due]:
        """Return at most 20 emails to send now, the longest due first."""
        rows = await self._database.rows(_DUE, moment=now, far=now + 2 * _LONGEST_WAIT)
        found = [_ROW.read(row) for row in rows]
        return [replace(due, email=due.about.get(RECIPIENT, due.email)) for due in found]

    async def count_waiting(self, since: datetime) -> int:
        """Return how many emails queued before *since* have not been sent."""
        row = await self._database.first(_WAITING, moment=since)
        return int(row[0]) if row else 0

    async def find_recipient(self, since: datetime) -> str | None:
        """Return the address of the oldest email queued before *since* that has not been sent."""
        row = await self._database.first(_OLDEST_RECIPIENT, moment=since)
        return str(row[0]) if row else None

    async def claim(self, email_id: UUID, tries: int, until: datetime) -> bool:
        """Claim an email for one try; no other worker tries it before *until*. False if another worker claimed it."""
        return await self._database.write(
            guard=Change(_CLAIM, {"email_id": email_id, "tries_read": tries, "next_try": until})
        )

    async def postpone(self, email_id: UUID, next_try: datetime) -> None:
        """Set the time of the next try."""
        await self._database.write(Change(_POSTPONE, {"email_id": email_id, "next_try": next_try}))

    async def mark_done(self, email_id: UUID, now: datetime) -> None:
        """Mark an email as sent or given up; it is not tried again."""
        await self._database.write(Change(_DONE, {"email_id": email_id, "moment": now}))

    async def is_recent(self, user_id: UUID, kind: str, since: datetime, now: datetime) -> bool:
        """Return whether an email of this kind was queued for the user after *since*."""
        row = await self._database.first(_LAST, for_user=user_id, of_kind=kind, far=now + 2 * _LONGEST_WAIT)
        last: datetime | None = row[0] if row else None
        return last is not None and last > since


def backoff(tries: int) -> timedelta:
    """Return how long to wait after this many tries: 5 s, 20 s, 80 s … at most 15 minutes."""
    return min(timedelta(seconds=5 * 4**tries), _LONGEST_WAIT)
