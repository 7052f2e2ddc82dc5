"""Turns an event into an audit row and a log line."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from focys.domain.outcome import Reason
from focys.features.audit.models import audit_events
from focys.infra.db.database import Change
from focys.infra.ops import metrics
from focys.infra.ops.logs import logger
from focys.infra.web.caller import Caller

_log = logger("focys.audit")


class EventName(StrEnum):
    """What happened. Operators search the log for the words TOTP and MFA."""

    PASSWORD = "password"  # noqa: S105  an event's name
    EMAIL_CODE = "email code"
    EMAIL_CODE_SENT = "email code sent"
    MFA_ENROLLMENT_STARTED = "MFA enrolment started"
    MFA_ENROLLMENT = "MFA enrolment"
    TOTP = "TOTP"
    BACKUP_CODE = "MFA backup code"
    MFA_RESET = "MFA reset"
    MFA_BYPASS_STARTED = "MFA bypass started"
    MFA_BYPASS_ENDED = "MFA bypass ended"
    MFA_BYPASSED = "MFA bypassed"
    UNLOCKED = "MFA unlocked"
    NETWORK_UNLOCKED = "network unlocked"
    LOGIN_CANCELLED = "login cancelled"
    SESSION_REFRESH = "session refresh"
    SIGN_OUT = "sign-out"
    ACCOUNT_CREATED = "account created"
    ACCOUNT_DISABLED = "account disabled"
    ACCOUNT_ENABLED = "account enabled"
    PASSWORD_SET = "password set"  # noqa: S105
    KEYS_ROTATED = "MFA keys rotated"
    ALL_SESSIONS_ENDED = "all sessions ended"
    AUDIT_PRUNED = "audit pruned"
    BACKUP_RESTORED = "backup restored"


class Outcome(StrEnum):
    """Whether it succeeded."""

    OK = "ok"
    REFUSED = "refused"


class Alarm(StrEnum):
    """Events that need attention: ``alarm`` in the log line, and a counter in /metrics."""

    FACTOR_FAILING = "factor_failing"
    GUARDED = "guarded"
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105
    CLOCK_BEHIND = "clock_behind"
    MFA_RESET = "mfa_reset"
    ENROLLMENT_OUT_OF_TURN = "enrolment_out_of_turn"


_EXAMINED = (EventName.TOTP, EventName.MFA_ENROLLMENT, EventName.BACKUP_CODE)
_REFUSALS = (
    Reason.INVALID_CODE,
    Reason.CODE_ALREADY_USED,
    Reason.CODE_EXPIRED,
    Reason.ACCOUNT_LOCKED,
    Reason.GUARDED,
    Reason.FACTOR_DISABLED,
)
for _alarm in Alarm:
    metrics.ALARMS.labels(_alarm)
for _name in EventName:
    metrics.EVENTS.labels(_name, Outcome.OK, "")
for _name in _EXAMINED:
    for _reason in _REFUSALS:
        metrics.EVENTS.labels(_name, Outcome.REFUSED, _reason)
metrics.EVENTS.labels(EventName.PASSWORD, Outcome.REFUSED, Reason.INVALID_CREDENTIALS)
metrics.EVENTS.labels(EventName.EMAIL_CODE, Outcome.REFUSED, Reason.INVALID_CODE)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event. ``detail`` is text of ours or of the operator, never of a client."""

    name: str
    outcome: Outcome
    user_id: UUID | None = None
    reason: str | None = None
    detail: str | None = None
    alarm: str | None = None


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
            "source": caller.source,
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
    metrics.EVENTS.labels(event.name, event.outcome, event.reason or "").inc()
    if event.alarm is not None:
        metrics.ALARMS.labels(event.alarm).inc()
    log = _log.info if event.alarm is None else _log.warning
    log(
        f"{event.name} {event.outcome}",
        source=caller.source,
        request_id=caller.request_id,
        **{name: value for name, value in fields.items() if value is not None},
    )
