"""What the steps of a login share: their dependencies, finding the login, writing a decision, opening the session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never
from uuid import UUID

from focys.domain.bypass import Bypass
from focys.domain.login import OutOfTurnError, Proof, advance
from focys.domain.outcome import Reason, Refused
from focys.features.accounts import claim
from focys.features.audit import AuditEvent, EventName, Outcome, announce, as_change
from focys.features.browsers import recognize
from focys.features.email_code import EmailCodes
from focys.features.factors import AnyFactor, Claim, Companion, Enroller, Issued, Proven
from focys.features.lockout import forgiven
from focys.features.login.changes import consumed, for_live_login
from focys.features.login.repository import LoginRepository
from focys.features.login.snapshots import Account, LoginSnapshot
from focys.features.login.visit import Visit
from focys.features.outbox import Outbox
from focys.features.passwords import Passwords
from focys.features.rate_limits import LoginLimits, RateLimiter
from focys.features.sessions import Evidence, Opened, Sessions
from focys.features.throttling import PasswordThrottle
from focys.infra.crypto.keys import KeyRing
from focys.infra.db.database import Change, Database
from focys.infra.db.lifetime import max_expiry
from focys.infra.ops.clock import Clock
from focys.infra.web.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything a login needs from elsewhere, wired in ``focys.app``."""

    database: Database
    clock: Clock
    keys: KeyRing
    passwords: Passwords
    throttle: PasswordThrottle
    account_limits: RateLimiter
    login_limits: LoginLimits
    email_codes: EmailCodes
    factors: tuple[AnyFactor, ...]
    companions: tuple[Companion[Any], ...]
    enroller: Enroller[Any]
    sessions: Sessions
    outbox: Outbox
    app_name: str
    mail_sender: str | None
    mfa_required: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """Why a session is opened.

    Attributes:
        account: whose.
        amr: by which methods (RFC 8176).
        epoch: the account's credential epoch once the proof is written.
        login: the login that ends with it; None where the password was enough.
        bypass: set where the second step was bypassed.
        profile: how the user's factors look afterwards.
        mfa_enabled: whether the user then has a confirmed second factor.
        shown: further fields of the response.
    """

    account: Account
    amr: tuple[str, ...]
    epoch: int
    login: UUID | None = None
    bypass: Bypass | None = None
    profile: Mapping[str, int] = field(default_factory=dict)
    mfa_enabled: bool = True
    shown: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A completed login: why, the new session, and the cookie that identifies the browser from now on."""

    grant: Grant
    session: Opened
    browser_cookie: str | None


@dataclass(frozen=True, slots=True)
class Granted:
    """A proven factor, and what is issued with it."""

    proven: Proven
    issued: tuple[Issued, ...] = ()

    @property
    def _everything(self) -> tuple[Issued, ...]:
        return (self.proven.issued, *self.issued)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change to write with it."""
        return tuple(change for issued in self._everything for change in issued.changes)

    @property
    def shown(self) -> dict[str, object]:
        """Every field of the response that shows it."""
        return {name: value for issued in self._everything for name, value in issued.shown.items()}

    @property
    def profile(self) -> dict[str, int]:
        """How the user's factors look afterwards, as far as that has changed."""
        return {name: value for issued in self._everything for name, value in issued.profile.items()}


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """One request to a login: finds it, writes what a step decided, and returns refusals."""

    deps: Dependencies
    repository: LoginRepository
    visit: Visit

    @classmethod
    def begin(cls, deps: Dependencies, repository: LoginRepository, visitor: Visitor) -> "LoginRequest":
        """Return a visitor's request, as of now."""
        now = deps.clock.now()
        longest = max(deps.enroller.life, deps.email_codes.life)
        return cls(deps, repository, Visit(visitor, now, max_expiry(longest, now)))

    def later(self) -> "LoginRequest":
        """Return the same request as of now."""
        return LoginRequest.begin(self.deps, self.repository, self.visit.visitor)

    async def find(self) -> LoginSnapshot | Refused:
        """Return the visitor's login, if it is live and the account is still as it was when it began."""
        snapshot = await self.repository.find(self.repository.second_factor, self.visit)
        return snapshot if snapshot is not None and snapshot.is_live else Refused(Reason.LOGIN_EXPIRED)

    def in_turn(self, snapshot: LoginSnapshot | None, proof: Proof, event: str) -> LoginSnapshot | Refused:
        """Return the login if it is live and waits for *proof*."""
        refused = turn(snapshot, proof)
        if snapshot is not None and refused is None:
            return snapshot
        user_id = snapshot.account.user_id if snapshot is not None else None
        return self.refuse(event, user_id, refused or Refused(Reason.LOGIN_EXPIRED))

    async def commit(self, event: AuditEvent, *changes: Change, guard: Change | None = None) -> bool:
        """Write a decision and its event together; False if the guard changed nothing."""
        row = as_change(event, self.visit.visitor, self.visit.now)
        done = await self.deps.database.write(*changes, row, guard=guard)
        if done:
            announce(event, self.visit.visitor)
        return done

    def refuse(self, event: str, user_id: UUID | None, refused: Refused) -> Refused:
        """Log a refusal that changes no row, and return it."""
        announce(AuditEvent(event, Outcome.REFUSED, user_id, refused.reason), self.visit.visitor)
        return refused

    def claim(self, snapshot: LoginSnapshot) -> Claim:
        """Return who tries to prove a factor."""
        account, login, visit = snapshot.account, snapshot.login, self.visit
        return Claim(account.user_id, account.email, login.login_id, account.attempt_seq, visit.visitor, visit.now)

    def guard(self, snapshot: LoginSnapshot, proven: Change | None = None) -> Change:
        """Return the guard of a write that ends this step of the login."""
        account = snapshot.account
        return for_live_login(proven or claim(account.user_id, account.attempt_seq), snapshot.login.login_id)

    def profile(self, held: Mapping[str, object]) -> dict[str, int]:
        """Return what the user sees of their factors."""
        profile: dict[str, int] = {}
        for factor in self.deps.factors:
            profile |= factor.profile(held[factor.kind])
        return profile

    def offered(self, held: Mapping[str, object]) -> tuple[str, ...]:
        """Return the kinds of factors that can be used now."""
        return tuple(factor.kind for factor in self.deps.factors if factor.is_offered(held[factor.kind]))

    def open_session(self, grant: Grant) -> tuple[SignedIn, list[Change]]:
        """Return a session, and all other changes of a completed login besides its proof."""
        account, visitor, now = grant.account, self.visit.visitor, self.visit.now
        evidence = Evidence(account.user_id, account.role, grant.epoch, grant.amr, grant.bypass)
        session = self.deps.sessions.open(evidence, visitor, now, live=account.sessions_live)
        if grant.bypass is not None:
            # Someone who has only the password must not gain anything that outlasts the bypass.
            return SignedIn(grant, session, None), [*session.changes]
        known = recognize(account.user_id, account.known, cookie=visitor.browser, epoch=grant.epoch, now=now)
        changes = [*session.changes, known.change]
        if grant.login is not None:
            changes.append(consumed(grant.login, now))
            changes.append(forgiven(account.user_id, account.browser_id, grant.login, account.password_changed_at))
        return SignedIn(grant, session, known.cookie), changes


def turn(snapshot: LoginSnapshot | None, proof: Proof) -> Refused | None:
    """Return why a login does not take *proof* now, or None if it does."""
    if snapshot is None or not snapshot.is_live:
        return Refused(Reason.LOGIN_EXPIRED)
    try:
        advance(snapshot.login.step, proof)
    except OutOfTurnError as fault:
        return Refused(Reason.OUT_OF_TURN, step=fault.step)
    return None


def event_of(proof: Proof) -> EventName:
    """Return the name under which a proof is audited.

    Raises:
        ValueError: it is a second factor, each kind of which has a name of its own.
    """
    match proof:
        case Proof.PASSWORD_WITHOUT_MFA | Proof.PASSWORD_MFA_OPTIONAL | Proof.PASSWORD_WITH_MFA:
            return EventName.PASSWORD
        case Proof.PASSWORD_MFA_BYPASSED:
            return EventName.MFA_BYPASSED
        case Proof.EMAIL_CODE:
            return EventName.EMAIL_CODE
        case Proof.FIRST_FACTOR:
            return EventName.MFA_ENROLMENT
        case Proof.SECOND_FACTOR:
            raise ValueError(proof)
        case _:
            assert_never(proof)
