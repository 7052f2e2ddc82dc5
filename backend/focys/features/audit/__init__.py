"""The audit log: append-only events, each written in the same transaction as the action it records.

    entry = AuditEvent(Event.TOTP, Outcome.REFUSED, user_id=…, reason=Reason.INVALID_CODE)
    await database.write(…, audit.insert_event(entry, caller, now))   # event and change commit together, or not at all
    audit.log_event(entry, caller)                                    # the same event as a log line

Each feature declares its events in its ``events.py``: ``class Event(EventName)``. Rows are never changed; only
``pruned`` deletes old ones, and only for the database role that owns the tables. Rows and log lines never contain a
code, a secret, a token, or an address typed by an unknown user.
"""

from focys.domain.outcome import AlarmName
from focys.features.audit.models import audit_events
from focys.features.audit.repository import KeptEvent, find_source, list_events, list_events_before, pruned
from focys.features.audit.service import AuditEvent, EventName, Outcome, begin_counting, insert_event, log_event
from focys.features.audit.words import words_for

__all__ = [
    "AlarmName",
    "AuditEvent",
    "EventName",
    "KeptEvent",
    "Outcome",
    "audit_events",
    "begin_counting",
    "find_source",
    "insert_event",
    "list_events",
    "list_events_before",
    "log_event",
    "pruned",
    "words_for",
]
