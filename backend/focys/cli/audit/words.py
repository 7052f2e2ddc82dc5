"""Audit events in plain words."""

from focys.features.audit import KeptEvent, Outcome
from focys.services import FEATURES

EVENTS = {event.value: event for feature in FEATURES for event in feature.events}
"""The events of all features, by name."""

_PLAIN_REASONS = {"invalid_credentials": "", "invalid_code": "wrong code", "enrolment_expired": "setup expired"}


def words_for(event: KeptEvent) -> str:
    """Return what happened, and for a refusal the reason."""
    known = EVENTS.get(event.event)
    if event.outcome == Outcome.OK:
        return known.done if known else event.event
    what = known.refused if known else f"{event.event} was refused"
    reason = _PLAIN_REASONS.get(event.reason or "", (event.reason or "").replace("_", " "))
    return f"{what}: {reason}" if reason and reason not in what else what
