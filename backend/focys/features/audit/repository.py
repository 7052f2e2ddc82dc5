"""The one thing that takes facts away: their age."""

from datetime import datetime

from sqlalchemy import bindparam, delete

from focys.features.audit.models import audit_events
from focys.infra.database import Change

_PRUNE = delete(audit_events).where(audit_events.c.at < bindparam("kept_since"))


def pruned(since: datetime) -> Change:
    """Forget what happened before; the service's own database role may not do this."""
    return Change(_PRUNE, {"kept_since": since})
