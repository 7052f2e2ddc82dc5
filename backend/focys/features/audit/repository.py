"""Deletes old events, and finds the network that a request came from."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select

from focys.features.audit.models import audit_events
from focys.infra.db.database import Change, Database

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


def pruned(since: datetime) -> Change:
    """Delete the events before *since*; the service's own database role is not allowed to do this."""
    return Change(_PRUNE, {"kept_since": since})
