"""Append-only facts about who did what, written in the same transaction as the action itself.

    entry = AuditEvent(EventName.TOTP, Outcome.REFUSED, user_id=…, reason=Reason.INVALID_CODE)
    await database.write(…, audit.as_change(entry, visitor, now))     # the row commits with the change, or neither does
    audit.announce(entry, visitor)                                    # the same facts as one log line

Rows are added and never changed; only ``pruned`` deletes old ones, for an operator who owns the tables.
Rows and lines never hold a code, a secret, a token or an address typed by a stranger.
"""

from focys.features.audit.models import audit_events
from focys.features.audit.repository import find_source, pruned
from focys.features.audit.service import Alarm, AuditEvent, EventName, Outcome, announce, as_change

__all__ = [
    "Alarm",
    "AuditEvent",
    "EventName",
    "Outcome",
    "announce",
    "as_change",
    "audit_events",
    "find_source",
    "pruned",
]
