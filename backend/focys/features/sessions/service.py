"""Opens, refreshes, checks and ends sessions."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from focys.domain.bypass import Bypass
from focys.domain.outcome import Reason, Refused
from focys.features import audit
from focys.features.sessions.repository import (
    MAX_SESSIONS,
    SessionRepository,
    ended,
    oldest_ended,
    opened,
    rotated,
)
from focys.infra.clock import Clock
from focys.infra.database import Change, Database
from focys.infra.tokens import AccessClaims, InvalidTokenError, Tokens, new_seed
from focys.infra.visitor import Visitor

GRACE = timedelta(seconds=10)
"""How long the token just replaced still gets the same successor: two tabs, or an answer lost on the way."""

IDLE = timedelta(hours=24)
ADMIN_IDLE = timedelta(minutes=30)
ADMIN_LIFE = timedelta(hours=12)
_A_DAY, _MANY_PEOPLE = timedelta(days=1), 10

ChargeRefresh = Callable[[str], Awaitable[int | None]]
"""Counts a use of a session's refresh token; answers with the seconds to wait if that was one too many."""


class PolicyError(Exception):
    """A session was requested on less evidence than the policy demands: a programming error, not a refusal."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was proven, by whom. ``epoch`` is the account's credential epoch once the proof is committed.

    ``bypass`` is set where the second step was passed by; the session then lasts as long as it, at most.
    """

    user_id: UUID
    role: str
    epoch: int
    amr: tuple[str, ...]
    bypass: Bypass | None = None

    def is_bypassed(self, now: datetime) -> bool:
        """Tell whether no second step is needed."""
        return self.bypass is not None and self.bypass.lets_in(self.role, now)


@dataclass(frozen=True, slots=True)
class Opened:
    """A session about to exist: the changes to commit together with the proof, and what the browser is given."""

    changes: tuple[Change, ...]
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_seconds: int


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A refreshed session: its row, joined with its user's, and its new tokens."""

    row: Any
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_seconds: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A session as an operator sees it."""

    address: str
    agent: str
    created_at: datetime
    last_used_at: datetime
    state: Literal["live", "expired", "ended"]


class Sessions:
    """The only place that creates sessions and issues tokens."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        tokens: Tokens,
        *,
        life: timedelta,
        mfa_required: bool,
        repository: SessionRepository,
        charge_refresh: ChargeRefresh,
    ) -> None:
        self._database, self._clock, self._tokens = database, clock, tokens
        self._repository, self._charge_refresh = repository, charge_refresh
        self._life, self._mfa_required = life, mfa_required

    def open(self, evidence: Evidence, visitor: Visitor, now: datetime, *, live: int) -> Opened:
        """Return a new session for the evidence; it exists once its changes are committed behind the proof's guard.

        The guard also ensures that no other session was opened since the user's *live* sessions were counted.

        Raises:
            PolicyError: the evidence does not satisfy the policy.
        """
        if not self._satisfies_policy(evidence.amr, bypassed=evidence.is_bypassed(now)):
            raise PolicyError
        session_id, seed = uuid4(), new_seed()
        life = min(self._life, ADMIN_LIFE) if evidence.role == "admin" else self._life
        if evidence.bypass is not None:
            life = min(life, evidence.bypass.until - now)
        row = {
            "id": session_id,
            "user_id": evidence.user_id,
            "epoch": evidence.epoch,
            "refresh_seed": seed,
            "refresh_generation": 0,
            "rotated_at": now,
            "amr": " ".join(evidence.amr),
            "auth_time": now,
            "address": visitor.address,
            "agent": visitor.agent,
            "created_at": now,
            "last_used_at": now,
            "expires_at": now + life,
            "bypass_id": evidence.bypass.id if evidence.bypass is not None else None,
        }
        room = (oldest_ended(evidence.user_id, now),) if live >= MAX_SESSIONS else ()
        claims = AccessClaims(evidence.user_id, session_id, evidence.amr, now)
        seconds = self._access_seconds(evidence.role, now + life, now)
        return Opened(
            changes=(*room, opened(row)),
            access_token=self._tokens.access(claims, now, seconds),
            expires_in=seconds,
            refresh_token=self._tokens.refresh(session_id, 0, seed),
            refresh_seconds=int(life.total_seconds()),
        )

    async def list_of(self, user_id: UUID) -> list[Listed]:
        """Return a user's sessions, newest first; those that ended more than a month ago have been deleted."""
        now = self._clock.now()
        return [
            Listed(row.address, row.agent, row.created_at, row.last_used_at, self._state_of(row, now))
            for row in await self._repository.list_of(user_id)
        ]

    async def count_under(self, bypass_id: UUID) -> int:
        """Return how many sessions were opened under a bypass."""
        return await self._repository.count_under(bypass_id)

    async def lone_address(self) -> tuple[int, str] | None:
        """Return how many people signed in during the last day, and the address, if it was one for all of them.

        Fewer than ten people prove nothing.
        """
        people, addresses, address = await self._repository.count_addresses(self._clock.now() - _A_DAY)
        return (people, address) if address is not None and addresses == 1 and people >= _MANY_PEOPLE else None

    async def identify(self, bearer: str | None) -> Any | None:  # noqa: ANN401  a live session with its user
        """Return the session that a bearer token belongs to, joined with its user, if it is still live."""
        now = self._clock.now()
        try:
            claims = self._tokens.read_access(bearer or "", now)
        except InvalidTokenError:
            return None
        row = await self._repository.find_live(claims.session_id)
        is_live = row is not None and row.user_id == claims.user_id and self._may_go_on(row, now)
        return row if is_live else None

    async def refresh(self, visitor: Visitor) -> Refreshed | Refused:
        """Rotate the refresh token, or refuse; a token older than the one just replaced ends its session."""
        charged = False
        for _ in range(2):
            now = self._clock.now()
            row, generation = await self._presented(visitor)
            if row is None:
                return Refused(Reason.SESSION_ENDED)
            is_replaced = generation == row.refresh_generation - 1 and abs(now - row.rotated_at) <= GRACE
            is_reused = generation != row.refresh_generation and not is_replaced
            is_over = not self._may_go_on(row, now)
            if is_over or is_reused:
                return await self._end(row, visitor, now, is_reused=is_reused and not is_over)
            wait = None if charged else await self._charge_refresh(str(row.session_id))
            if wait is not None:
                return Refused(Reason.THROTTLED, retry_after=wait)
            charged = True
            if is_replaced:
                return self._successor(row, row.refresh_generation, now)
            event = audit.AuditEvent(audit.EventName.SESSION_REFRESH, audit.Outcome.OK, row.user_id)
            guard = rotated(row.session_id, generation, now)
            if await self._database.write(audit.as_change(event, visitor, now), guard=guard):
                audit.announce(event, visitor)
                return self._successor(row, generation + 1, now)
        return Refused(Reason.THROTTLED, retry_after=1)

    async def sign_out(self, visitor: Visitor, bearer: str | None) -> None:
        """End the session of the refresh cookie or of the bearer token, if there is one."""
        row, _ = await self._presented(visitor)
        if row is None:
            row = await self.identify(bearer)
        if row is None:
            return
        now = self._clock.now()
        event = audit.AuditEvent(audit.EventName.SIGN_OUT, audit.Outcome.OK, row.user_id)
        await self._database.write(ended(row.session_id, now), audit.as_change(event, visitor, now))
        audit.announce(event, visitor)

    async def _presented(self, visitor: Visitor) -> tuple[Any, int]:
        """Return the live session of a genuine refresh cookie, and the cookie's generation."""
        try:
            claims = self._tokens.read_refresh(visitor.refresh or "")
        except InvalidTokenError:
            return None, 0
        row = await self._repository.find_live(claims.session_id)
        is_genuine = row is not None and self._tokens.is_genuine(claims, row.refresh_seed)
        return (row if is_genuine else None), claims.generation

    async def _end(self, row: Any, visitor: Visitor, now: datetime, *, is_reused: bool) -> Refused:  # noqa: ANN401  a live session
        why = "refresh token used twice" if is_reused else "idle, over or below policy"
        alarm = audit.Alarm.REFRESH_TOKEN_REUSED if is_reused else None
        event = audit.AuditEvent(
            audit.EventName.SESSION_REFRESH, audit.Outcome.REFUSED, row.user_id, Reason.SESSION_ENDED, why, alarm
        )
        await self._database.write(ended(row.session_id, now), audit.as_change(event, visitor, now))
        audit.announce(event, visitor)
        return Refused(Reason.SESSION_ENDED)

    def _successor(self, row: Any, generation: int, now: datetime) -> Refreshed:  # noqa: ANN401  a live session
        amr = tuple(row.amr.split())
        seconds = self._access_seconds(row.role, row.expires_at, now)
        claims = AccessClaims(row.user_id, row.session_id, amr, row.auth_time)
        return Refreshed(
            row=row,
            access_token=self._tokens.access(claims, now, seconds),
            expires_in=seconds,
            refresh_token=self._tokens.refresh(row.session_id, generation, row.refresh_seed),
            refresh_seconds=int((row.expires_at - now).total_seconds()),
        )

    def _state_of(self, row: Any, now: datetime) -> Literal["live", "expired", "ended"]:  # noqa: ANN401  a session
        if not row.is_live:
            return "ended"
        return "live" if self._may_go_on(row, now) else "expired"

    def _may_go_on(self, row: Any, now: datetime) -> bool:  # noqa: ANN401  a live session
        idle = ADMIN_IDLE if row.role == "admin" else IDLE
        # A last use that lies far in the future was stamped by a wrong clock, and counts as idle.
        in_time = now < row.expires_at and abs(now - row.last_used_at) <= idle
        return in_time and self._satisfies_policy(tuple(row.amr.split()), bypassed=row.bypass_id is not None)

    def _satisfies_policy(self, amr: tuple[str, ...], *, bypassed: bool) -> bool:
        return "mfa" in amr or bypassed or not self._mfa_required

    def _access_seconds(self, role: str, session_ends: datetime, now: datetime) -> int:
        # An administrator's token ends well before the idle limit, so that working is not being idle.
        life = min(self._tokens.access_life, ADMIN_IDLE / 2) if role == "admin" else self._tokens.access_life
        return int(min(life, session_ends - now).total_seconds())
