"""Opens, refreshes, checks and ends sessions."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from focys.domain.bypass import Bypass
from focys.domain.outcome import Reason, Refused
from focys.features import audit
from focys.features.sessions.events import Alarm, Event
from focys.features.sessions.models import KeptSession, LiveSession, NewSession, Terms
from focys.features.sessions.repository import (
    MAX_SESSIONS,
    SessionRepository,
    ended,
    find_lone_address,
    oldest_ended,
    opened,
    rotated,
)
from focys.features.sessions.results import Listed, Opened, Refreshed
from focys.infra.crypto.tokens import AccessClaims, InvalidTokenError, Tokens, new_seed
from focys.infra.db.database import Change, Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller

FRESH = timedelta(seconds=60)
"""How long a refresh token is used before it is rotated, so most page loads need no write."""

GRACE = timedelta(seconds=10)
"""How long a rotated token still works, for concurrent tabs or a lost response."""

IDLE = timedelta(hours=24)
ADMIN_IDLE = timedelta(minutes=30)
ADMIN_LIFE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class RotationLimit:
    """Limits the rotations of a session, given its id.

    ``charge`` counts one and returns the seconds to wait if the limit is exceeded; ``give_back`` returns the changes
    that refund one.
    """

    charge: Callable[[str], Awaitable[int | None]]
    give_back: Callable[[str, datetime], Sequence[Change]]


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long sessions may last, whether they need a second factor, and how often they are rotated."""

    life: timedelta
    mfa_required: bool
    rotation_limit: RotationLimit


class PolicyError(Exception):
    """A session was requested on less evidence than the policy requires: a programming error, not a refusal."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was proven, and by whom. ``epoch`` is the account's credential epoch after the proof is committed.

    ``bypass`` is set if the second factor was bypassed; the session then ends no later than the bypass.
    """

    user_id: UUID
    role: str
    epoch: int
    amr: tuple[str, ...]
    bypass: Bypass | None = None

    def is_bypassed(self, now: datetime) -> bool:
        """Return whether an active bypass replaces the second factor."""
        return self.bypass is not None and self.bypass.lets_in(self.role, now)


class Sessions:
    """The only place that creates sessions and issues tokens."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        tokens: Tokens,
        repository: SessionRepository,
        policy: SessionPolicy,
    ) -> None:
        self._database, self._clock, self._tokens = database, clock, tokens
        self._repository, self._policy = repository, policy

    def open(self, evidence: Evidence, caller: Caller, now: datetime, *, live: int) -> Opened:
        """Return a new session for the evidence; commit its changes with the guard of the proof.

        That guard also ensures that no other session was opened since the user's *live* sessions were counted.

        Raises:
            PolicyError: the evidence does not satisfy the policy.
        """
        if not self._satisfies_policy(evidence.amr, bypassed=evidence.is_bypassed(now)):
            raise PolicyError
        session_id, seed = uuid4(), new_seed()
        life = min(self._policy.life, ADMIN_LIFE) if evidence.role == "admin" else self._policy.life
        if evidence.bypass is not None:
            life = min(life, evidence.bypass.until - now)
        new = NewSession(
            id=session_id,
            user_id=evidence.user_id,
            epoch=evidence.epoch,
            refresh_seed=seed,
            amr=evidence.amr,
            address=caller.address,
            agent=caller.user_agent,
            opened_at=now,
            expires_at=now + life,
            bypass_id=evidence.bypass.id if evidence.bypass is not None else None,
        )
        evicted = (oldest_ended(evidence.user_id, now),) if live >= MAX_SESSIONS else ()
        claims = AccessClaims(evidence.user_id, session_id, evidence.amr, now)
        seconds = self._access_seconds(evidence.role, now + life, now)
        return Opened(
            changes=(*evicted, opened(new)),
            access_token=self._tokens.access(claims, now, seconds),
            expires_in=seconds,
            refresh_token=self._tokens.refresh(session_id, 0, seed),
            refresh_seconds=int(life.total_seconds()),
        )

    @property
    def mfa_required(self) -> bool:
        """Whether everyone needs a second factor."""
        return self._policy.mfa_required

    async def list_of(self, user_id: UUID) -> list[Listed]:
        """Return a user's sessions, newest first; those that expired more than 30 days ago have been deleted."""
        now = self._clock.now()
        return [
            Listed(
                session.address,
                session.agent,
                session.created_at,
                session.last_used_at,
                "ended" if not session.is_live else "live" if self._is_valid(session, now) else "expired",
            )
            for session in await self._repository.list_of(user_id)
        ]

    async def list_live(self, user_id: UUID) -> list[KeptSession]:
        """Return where a user is signed in, newest first."""
        now = self._clock.now()
        stored = await self._repository.list_of(user_id)
        return [session for session in stored if session.is_live and self._is_valid(session, now)]

    async def count_under(self, bypass_id: UUID) -> int:
        """Return how many sessions were opened under a bypass."""
        return await self._repository.count_under(bypass_id)

    async def lone_address(self) -> tuple[int, str] | None:
        """Return the result of ``find_lone_address`` as of now."""
        return await find_lone_address(self._database, self._clock.now())

    async def identify(self, bearer: str | None) -> LiveSession | None:
        """Return the session that a bearer token belongs to, if it is still live."""
        now = self._clock.now()
        try:
            claims = self._tokens.read_access(bearer or "", now)
        except InvalidTokenError:
            return None
        session = await self._repository.find_live(claims.session_id)
        if session is None or session.user_id != claims.user_id:
            return None
        return session if self._is_valid(session, now) else None

    async def refresh(self, caller: Caller) -> Refreshed | Refused | None:
        """Continue the session of the refresh cookie; None if there is no cookie, so nobody is signed in.

        A token is rotated after a minute. Reuse of an outdated token ends its session (RFC 9700 section 4.14.2).
        """
        if caller.refresh is None:
            return None
        for _ in range(2):
            now = self._clock.now()
            session, generation = await self._presented(caller)
            if session is None:
                return Refused(Reason.SESSION_ENDED)
            violation = self._violation(session, generation, now)
            if violation is not None:
                await self._end(session, caller, now, violation)
                return Refused(Reason.SESSION_ENDED)
            # ``GRACE`` is shorter than ``FRESH``, so a token that was just replaced also gets its successor here.
            if abs(now - session.rotated_at) < FRESH:
                return self._refreshed(session, now)
            outcome = await self._rotate(session, caller, now)
            if outcome is not None:
                return outcome
        return Refused(Reason.THROTTLED, retry_after=1)

    async def find(self, session_id: UUID) -> LiveSession | None:
        """Return a session by its id, if it is still live."""
        session = await self._repository.find_live(session_id)
        return session if session is not None and self._is_valid(session, self._clock.now()) else None

    async def renewed(self, session_id: UUID) -> Refreshed | Refused:
        """Return the current tokens of a session that has just been changed."""
        session = await self.find(session_id)
        return Refused(Reason.SESSION_ENDED) if session is None else self._refreshed(session, self._clock.now())

    async def sign_out(self, caller: Caller, bearer: str | None) -> None:
        """End the session of the refresh cookie or of the bearer token, if there is one."""
        session, generation = await self._presented(caller)
        now = self._clock.now()
        is_reused = session is not None and self._is_valid(session, now) and _is_reused(session, generation, now)
        session = session or await self.identify(bearer)
        if session is None:
            return
        event = audit.AuditEvent(Event.SIGN_OUT, audit.Outcome.OK, session.user_id)
        await self._end(session, caller, now, _with_alarm(event) if is_reused else event)

    async def _presented(self, caller: Caller) -> tuple[LiveSession | None, int]:
        """Return the live session of the refresh cookie, if it is genuine, and the cookie's generation."""
        try:
            claims = self._tokens.read_refresh(caller.refresh or "")
        except InvalidTokenError:
            return None, 0
        session = await self._repository.find_live(claims.session_id)
        is_genuine = session is not None and self._tokens.is_genuine(claims, session.refresh_seed)
        return (session if is_genuine else None), claims.generation

    async def _rotate(self, session: LiveSession, caller: Caller, now: datetime) -> Refreshed | Refused | None:
        """Rotate the refresh token; return None if a concurrent request did."""
        limited = str(session.session_id)
        wait = await self._policy.rotation_limit.charge(limited)
        if wait is not None:
            return Refused(Reason.THROTTLED, retry_after=wait)
        event = audit.AuditEvent(Event.REFRESH, audit.Outcome.OK, session.user_id)
        guard = rotated(session.session_id, session.refresh_generation, now)
        if not await self._database.write(audit.insert_event(event, caller, now), guard=guard):
            # Tabs that load at the same time cause one rotation, and are counted once.
            await self._database.write(*self._policy.rotation_limit.give_back(limited, now))
            return None
        audit.log_event(event, caller)
        return self._refreshed(replace(session, refresh_generation=session.refresh_generation + 1), now)

    def _violation(self, session: LiveSession, generation: int, now: datetime) -> audit.AuditEvent | None:
        """Return the event that ends the session if a token of this generation must not refresh it, or None."""
        name, refused = Event.REFRESH, audit.Outcome.REFUSED
        event = audit.AuditEvent(name, refused, session.user_id, Reason.SESSION_ENDED, "idle, expired or below policy")
        if not self._is_valid(session, now):
            return event
        return _with_alarm(event) if _is_reused(session, generation, now) else None

    async def _end(self, session: LiveSession, caller: Caller, now: datetime, event: audit.AuditEvent) -> None:
        await self._database.write(ended(session.session_id, now), audit.insert_event(event, caller, now))
        audit.log_event(event, caller)

    def _refreshed(self, session: LiveSession, now: datetime) -> Refreshed:
        seconds = self._access_seconds(session.role, session.expires_at, now)
        claims = AccessClaims(session.user_id, session.session_id, session.amr, session.auth_time)
        return Refreshed(
            session=session,
            access_token=self._tokens.access(claims, now, seconds),
            expires_in=seconds,
            refresh_token=self._tokens.refresh(session.session_id, session.refresh_generation, session.refresh_seed),
            refresh_seconds=int((session.expires_at - now).total_seconds()),
        )

    def _is_valid(self, session: Terms, now: datetime) -> bool:
        idle = ADMIN_IDLE if session.role == "admin" else IDLE
        # A last use far in the future was recorded by a wrong clock; treat the session as idle.
        in_time = now < session.expires_at and abs(now - session.last_used_at) <= idle
        return in_time and self._satisfies_policy(session.amr, bypassed=session.bypass_id is not None)

    def _satisfies_policy(self, amr: tuple[str, ...], *, bypassed: bool) -> bool:
        return "mfa" in amr or bypassed or not self._policy.mfa_required

    def _access_seconds(self, role: str, session_ends: datetime, now: datetime) -> int:
        # An administrator's token expires well before the idle limit; its refresh shows that the session is in use.
        life = min(self._tokens.access_life, ADMIN_IDLE / 2) if role == "admin" else self._tokens.access_life
        return int(min(life, session_ends - now).total_seconds())


def _is_reused(session: LiveSession, generation: int, now: datetime) -> bool:
    """Return whether a genuine refresh token is outdated: two parties have it, and one has rotated it."""
    if generation == session.refresh_generation - 1:
        return abs(now - session.rotated_at) > GRACE
    return generation != session.refresh_generation


def _with_alarm(event: audit.AuditEvent) -> audit.AuditEvent:
    return replace(event, detail="refresh token used twice", alarm=Alarm.REFRESH_TOKEN_REUSED)
