"""Reads and deletes events, and finds the network that a request came from."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, or_, select

from focys.features.audit.models import audit_events
from focys.infra.db.database import Change, Database, Shape


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event as an operator sees it."""

    id: UUID
    at: datetime
    event: str
    outcome: str
    reason: str | None
    source: str
    detail: str | None


_EVENT = Shape(
    KeptEvent,
    audit_events.c.id,
    audit_events.c.at,
    audit_events.c.event,
    audit_events.c.outcome,
    audit_events.c.reason,
    audit_events.c.source,
    audit_events.c.detail,
)
_OF_ACCOUNT = (
    select(*_EVENT.columns)
    .where(
        audit_events.c.user_id == bindparam("for_user"),
        audit_events.c.at > bindparam("since"),
        audit_events.c.event.like(bindparam("name_pattern")),
    )
    .order_by(audit_events.c.at.desc(), audit_events.c.id)
    .limit(bindparam("most"))
    .offset(bindparam("skipped"))
)
_before = audit_events.alias("before")
_moment_before = (
    select(_before.c.at)
    .where(_before.c.id == bindparam("before"), _before.c.user_id == bindparam("for_user"))
    .scalar_subquery()
)
_NEWEST = (
    select(*_EVENT.columns)
    .where(audit_events.c.user_id == bindparam("for_user"), audit_events.c.event != bindparam("left_out"))
    .order_by(audit_events.c.at.desc(), audit_events.c.id)
    .limit(bindparam("most"))
)
# Events of the same moment are in the order of their ids, so that none is missed between two pages.
_NEXT = _NEWEST.where(
    or_(
        audit_events.c.at < _moment_before,
        and_(audit_events.c.at == _moment_before, audit_events.c.id > bindparam("before")),
    )
)

_PRUNE = delete(audit_events).where(audit_events.c.at < bindparam("kept_since"))
_SOURCE = select(audit_events.c.source).where(
    audit_events.c.user_id.is_(None),
    audit_events.c.at > bindparam("moment"),
    audit_events.c.request_id == bindparam("request"),
)


async def find_source(database: Database, request_id: str, since: datetime) -> str | None:
    """Return the network that a request came from, if its event names no user; None if there is no such event."""
    row = await database.first(_SOURCE, request=request_id, moment=since)
    return str(row[0]) if row else None


async def list_events(
    database: Database, user_id: UUID, *, since: datetime, name: str | None, most: int, skipped: int
) -> list[KeptEvent]:
    """Return at most *most* events of an account after *since*, newest first; *name* limits them to one event."""
    limits = {"since": since, "name_pattern": name or "%", "most": most, "skipped": skipped}
    return [_EVENT.read(row) for row in await database.rows(_OF_ACCOUNT, for_user=user_id, **limits)]


async def list_events_before(
    database: Database, user_id: UUID, before: UUID | None, *, without: str, most: int
) -> list[KeptEvent]:
    """Return at most *most* events of an account, newest first: the newest, or those before one of its events."""
    limits = {"for_user": user_id, "left_out": without, "most": most}
    rows = await (database.rows(_NEWEST, **limits) if before is None else database.rows(_NEXT, before=before, **limits))
    return [_EVENT.read(row) for row in rows]


def pruned(since: datetime) -> Change:
    """Delete the events before *since*; the service's own database role is not allowed to do this."""
    return Change(_PRUNE, {"kept_since": since})
