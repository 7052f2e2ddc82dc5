"""When a session counts as recently verified."""

from datetime import datetime, timedelta

from focys.features.sessions.models import LiveSession

RECENT = timedelta(minutes=5)
"""How long a sign-in or a step-up counts as a recent verification."""


def verified_until(session: LiveSession, now: datetime) -> datetime | None:
    """Return until when the session counts as recently verified, or None if it doesn't."""
    moments = [session.stepped_up_at] if session.stepped_up_at is not None else []
    # The password alone, as during a bypass, must not give anything that outlasts it.
    if "mfa" in session.amr or not session.mfa_enabled:
        moments.append(session.auth_time)
    # A time far in the future was recorded by a wrong clock, so it does not count as recent.
    recent = [moment for moment in moments if abs(now - moment) < RECENT]
    return max(recent) + RECENT if recent else None
