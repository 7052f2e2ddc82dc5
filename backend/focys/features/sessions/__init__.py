"""Sessions: a row, a short-lived access token, and a refresh token that is rotated once a minute at most.

opened = sessions.open(evidence, …)    # the only way to create one; commit opened.changes with the proof
await sessions.refresh(caller)        # rotates after 60 s; the old token works for 10 s, and later ends the session
await sessions.identify(bearer)        # the live session of a bearer token, or None
"""

from datetime import timedelta

from focys.features.feature import Feature, Gauge
from focys.features.sessions.dependencies import Administrator, CurrentSession, RecentlyVerified, VerifiedIfEnrolled
from focys.features.sessions.events import Alarm, Event
from focys.features.sessions.gauges import read_shared_address
from focys.features.sessions.models import KeptSession, LiveSession, sessions
from focys.features.sessions.recency import is_verified_by
from focys.features.sessions.repository import (
    SessionRepository,
    all_ended,
    everybodys_ended,
    live_count_for,
    others_ended,
    own_ended,
    rebound,
    stepped_up,
)
from focys.features.sessions.results import Listed, Opened, Refreshed
from focys.features.sessions.router import SessionsApi, router, stepped_up_response, user_of
from focys.features.sessions.schemas import FactorReplaced, SignedIn, SteppedUp, User
from focys.features.sessions.service import Evidence, RotationLimit, SessionPolicy, Sessions
from focys.infra.db.retention import kept_for

FEATURE = Feature(
    events=Event,
    alarms=Alarm,
    retention=(kept_for(sessions.c.expires_at, timedelta(days=30)),),
    gauges=(Gauge(read_shared_address, seconds=3600, first_after=60),),
    router=router,
)

__all__ = [
    "FEATURE",
    "Administrator",
    "CurrentSession",
    "Event",
    "Evidence",
    "FactorReplaced",
    "KeptSession",
    "Listed",
    "LiveSession",
    "Opened",
    "RecentlyVerified",
    "Refreshed",
    "RotationLimit",
    "SessionPolicy",
    "SessionRepository",
    "Sessions",
    "SessionsApi",
    "SignedIn",
    "SteppedUp",
    "User",
    "VerifiedIfEnrolled",
    "all_ended",
    "everybodys_ended",
    "is_verified_by",
    "live_count_for",
    "others_ended",
    "own_ended",
    "rebound",
    "sessions",
    "stepped_up",
    "stepped_up_response",
    "user_of",
]
