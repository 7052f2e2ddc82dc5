"""When a session counts as recently verified."""

from datetime import datetime, timedelta

from focys.features.sessions.models import LiveSession

RECENT = timedelta(minutes=5)
"""How long a sign-in or a step-up counts as a recent verification."""


def verified_until(session: LiveSession, now: datetime) -> datetime | None:
    """Return until when the session counts as recently verified, or None if it doesn't."""
    moments = []
    # The password alone, as during a bypass or before a factor was added, must not give anything that outlasts it.
    if session.stepped_up_at is not None and (session.stepped_up_by != "pwd" or not session.mfa_enabled):
        moments.append(session.stepped_up_at)
    if "mfa" in session.amr or not session.mfa_enabled:
        moments.append(session.auth_time)
    # A time far in the future was recorded by a wrong clock, so it does not count as recent.
    recent = [moment for moment in moments if abs(now - moment) < RECENT]
    return max(recent) + RECENT if recent else None


def is_verified_by(method: str, session: LiveSession, now: datetime) -> bool:
    """Return whether the session was recently verified with this method, a value of ``amr``."""
    moments = [session.auth_time] if method in session.amr else []
    if session.stepped_up_by == method and session.stepped_up_at is not None:
        moments.append(session.stepped_up_at)
    return any(abs(now - moment) < RECENT for moment in moments)
