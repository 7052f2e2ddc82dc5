"""Events in plain words."""

from collections.abc import Mapping

from focys.features.audit.repository import KeptEvent
from focys.features.audit.service import EventName, Outcome

_PLAIN_REASONS = {"invalid_credentials": "", "invalid_code": "wrong code", "enrolment_expired": "setup expired"}


def words_for(event: KeptEvent, events: Mapping[str, EventName]) -> str:
    """Return what happened, and for a refusal the reason; *events* are those of all features, by name."""
    known = events.get(event.event)
    if event.outcome == Outcome.OK:
        return known.done if known else event.event
    what = known.refused if known else f"{event.event} was refused"
    reason = _PLAIN_REASONS.get(event.reason or "", (event.reason or "").replace("_", " "))
    return f"{what}: {reason}" if reason and reason not in what else what
