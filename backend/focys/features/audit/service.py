"""Turns an event into an audit row and a log line."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID, uuid4

from prometheus_client import Counter

from focys.domain.outcome import AlarmName, Reason
from focys.features.audit.models import audit_events
from focys.infra.db.database import Change
from focys.infra.ops.logs import logger
from focys.infra.web.caller import Caller

_EVENTS = Counter("focys_events", "Audit events of sign-ins, sessions and accounts.", ["event", "outcome", "reason"])
_ALARMS = Counter("focys_alarms", "Events that an operator should investigate.", ["alarm"])
_log = logger("focys.audit")


class EventName(StrEnum):
    """The base of each feature's events. Operators search the log for the words TOTP and MFA.

    ``PASSWORD = ("password", "right password", "wrong password", Reason.INVALID_CREDENTIALS)``: the name, plain words
    for both outcomes, and the refusals that alerts count.
    """

    done: str
    refused: str
    refusals: tuple[Reason, ...]

    def __new__(cls, name: str, done: str, refused: str = "", *refusals: Reason) -> Self:
        """Make a member whose value is the name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.done, member.refused, member.refusals = done, refused or f"{name} was refused", refusals
        return member


class Outcome(StrEnum):
    """Whether it succeeded."""

    OK = "ok"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event. ``detail`` is text of ours or of the operator, never of a client."""

    name: EventName
    outcome: Outcome
    user_id: UUID | None = None
    reason: str | None = None
    detail: str | None = None
    alarm: AlarmName | None = None


def begin_counting(events: Iterable[EventName], alarms: Iterable[AlarmName]) -> None:
    """Create the counters of a feature's events and alarms with the value zero."""
    for event in events:
        _EVENTS.labels(event, Outcome.OK, "")
        for reason in event.refusals:
            _EVENTS.labels(event, Outcome.REFUSED, reason)
    for alarm in alarms:
        _ALARMS.labels(alarm)


def insert_event(event: AuditEvent, caller: Caller, now: datetime) -> Change:
    """Return the change that inserts the event; write it together with the action it records."""
    return Change(
        audit_events,
        {
            "id": uuid4(),
            "at": now,
            "event": event.name,
            "outcome": event.outcome,
            "user_id": event.user_id,
            "reason": event.reason,
            "source": caller.network,
            "request_id": caller.request_id,
            "detail": event.detail,
        },
    )


def log_event(event: AuditEvent, caller: Caller) -> None:
    """Log the event as one line, and count it; an alarm is logged as a warning."""
    fields = {
        "reason": event.reason,
        "detail": event.detail,
        "user_id": str(event.user_id) if event.user_id else None,
        "alarm": event.alarm,
    }
    _EVENTS.labels(event.name, event.outcome, event.reason or "").inc()
    if event.alarm is not None:
        _ALARMS.labels(event.alarm).inc()
    log = _log.info if event.alarm is None else _log.warning
    log(
        f"{event.name} {event.outcome}",
        source=caller.network,
        request_id=caller.request_id,
        **{name: value for name, value in fields.items() if value is not None},
    )
