"""Shared by all steps of a login: dependencies, finding the login, writing the result, opening the session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from focys.domain.bypass import Bypass
from focys.domain.login import OutOfTurnError, Proof, advance
from focys.domain.outcome import Reason, Refused
from focys.features.accounts import ForeignRows, claim
from focys.features.audit import AuditEvent, EventName, Outcome, insert_event, log_event
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
from focys.infra.web.caller import Caller


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """What the operator decides about logins; ``mail_sender`` is None if emails go to the console."""

    app_name: str
    mail_sender: str | None
    mfa_required: bool
    limits: LoginLimits


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything a login needs from other modules; built in ``focys.services``."""

    database: Database
    clock: Clock
    keys: KeyRing
    passwords: Passwords
    foreign_rows: ForeignRows
    throttle: PasswordThrottle
    account_limits: RateLimiter
    email_codes: EmailCodes
    factors: tuple[AnyFactor, ...]
    companions: tuple[Companion[Any], ...]
    enroller: Enroller[Any]
    sessions: Sessions
    outbox: Outbox
    policy: LoginPolicy


@dataclass(frozen=True, slots=True)
class Grant:
    """Why a session is opened.

    Attributes:
        account: who signs in.
        amr: the authentication methods used (RFC 8176).
        epoch: the account's credential epoch after the proof is written.
        login: the login in progress that this completes; None if the password was enough.
        bypass: the bypass that replaced the second factor, if any.
        profile: the factors' fields in the user's profile after this sign-in.
        mfa_enabled: whether the user then has a confirmed second factor.
        shown: further fields of the response.
    """

    account: Account
    amr: tuple[str, ...]
    epoch: int
    login: UUID | None = None
    bypass: Bypass | None = None
    profile: Mapping[str, object] = field(default_factory=dict)
    mfa_enabled: bool = True
    shown: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompletedLogin:
    """A completed login: its grant, the new session, and the cookie that identifies the browser from now on."""

    grant: Grant
    session: Opened
    browser_cookie: str | None


@dataclass(frozen=True, slots=True)
class Granted:
    """A proven factor, and what the user receives with it."""

    proven: Proven
    issued: tuple[Issued, ...] = ()

    @property
    def _everything(self) -> tuple[Issued, ...]:
        return (self.proven.issued, *self.issued)

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes to write with the proof."""
        return tuple(change for issued in self._everything for change in issued.changes)

    @property
    def shown(self) -> dict[str, object]:
        """All response fields that show what was issued."""
        return {name: value for issued in self._everything for name, value in issued.shown.items()}

    @property
    def profile(self) -> dict[str, object]:
        """The profile fields that change with it."""
        return {name: value for issued in self._everything for name, value in issued.profile.items()}


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """One request within a login: finds the login, writes the result of a step, and returns refusals."""

    deps: Dependencies
    repository: LoginRepository
    visit: Visit

    @classmethod
    def begin(cls, deps: Dependencies, repository: LoginRepository, caller: Caller) -> "LoginRequest":
        """Return a request of this caller, as of now."""
        now = deps.clock.now()
        longest = max(deps.enroller.life, deps.email_codes.life)
        return cls(deps, repository, Visit(caller, now, max_expiry(longest, now)))

    def later(self) -> "LoginRequest":
        """Return the same request as of now."""
        return LoginRequest.begin(self.deps, self.repository, self.visit.caller)

    async def find(self) -> LoginSnapshot | Refused:
        """Return the caller's login if it is live: not expired, and the account unchanged since it started."""
        snapshot = await self.repository.find(self.repository.second_factor, self.visit)
        return snapshot if snapshot is not None and snapshot.is_live else Refused(Reason.LOGIN_EXPIRED)

    def in_turn(self, snapshot: LoginSnapshot | None, proof: Proof, event: EventName) -> LoginSnapshot | Refused:
        """Return the login if it is live and its next step takes *proof*."""
        refused = turn(snapshot, proof)
        if snapshot is not None and refused is None:
            return snapshot
        user_id = snapshot.account.user_id if snapshot is not None else None
        return self.refuse(event, user_id, refused or Refused(Reason.LOGIN_EXPIRED))

    async def commit(self, event: AuditEvent, *changes: Change, guard: Change | None = None) -> bool:
        """Write changes and their audit event together; False if the guard matched no row, so nothing was written."""
        row = insert_event(event, self.visit.caller, self.visit.now)
        done = await self.deps.database.write(*changes, row, guard=guard)
        if done:
            log_event(event, self.visit.caller)
        return done

    def refuse(self, event: EventName, user_id: UUID | None, refused: Refused) -> Refused:
        """Log a refusal that writes nothing, and return it."""
        log_event(AuditEvent(event, Outcome.REFUSED, user_id, refused.reason), self.visit.caller)
        return refused

    def claim(self, snapshot: LoginSnapshot) -> Claim:
        """Return who is trying to prove a factor, for the factor to check."""
        account, login, visit = snapshot.account, snapshot.login, self.visit
        return Claim(account.user_id, account.email, login.login_id, account.attempt_seq, visit.caller, visit.now)

    def guard(self, snapshot: LoginSnapshot, proven: Change | None = None) -> Change:
        """Return the guard for the write that completes this step."""
        account = snapshot.account
        return for_live_login(proven or claim(account.user_id, account.attempt_seq), snapshot.login.login_id)

    def profile(self, held: Mapping[str, object]) -> dict[str, object]:
        """Return the factors' fields in the user's profile."""
        profile: dict[str, object] = {}
        for factor in self.deps.factors:
            profile |= factor.profile(held[factor.kind])
        return profile

    def offered(self, held: Mapping[str, object]) -> tuple[str, ...]:
        """Return the kinds of factors that can be used now."""
        return tuple(factor.kind for factor in self.deps.factors if factor.is_offered(held[factor.kind]))

    def open_session(self, grant: Grant) -> tuple[CompletedLogin, list[Change]]:
        """Return a new session, and the changes of a completed login except for those of its proof."""
        account, caller, now = grant.account, self.visit.caller, self.visit.now
        evidence = Evidence(account.user_id, account.role, grant.epoch, grant.amr, grant.bypass)
        session = self.deps.sessions.open(evidence, caller, now, live=account.sessions_live)
        if grant.bypass is not None:
            # The password alone must not give anything that outlasts the bypass, such as a known browser.
            return CompletedLogin(grant, session, None), [*session.changes]
        known = recognize(account.user_id, account.known, cookie=caller.browser, epoch=grant.epoch, now=now)
        changes = [*session.changes, known.change]
        if grant.login is not None:
            changes.append(consumed(grant.login, now))
            changes.append(forgiven(account.user_id, account.browser_id, grant.login, account.password_changed_at))
        return CompletedLogin(grant, session, known.cookie), changes


def turn(snapshot: LoginSnapshot | None, proof: Proof) -> Refused | None:
    """Return the refusal if a login does not take *proof* now, or None if it does."""
    if snapshot is None or not snapshot.is_live:
        return Refused(Reason.LOGIN_EXPIRED)
    try:
        advance(snapshot.login.step, proof)
    except OutOfTurnError as fault:
        return Refused(Reason.OUT_OF_TURN, step=fault.step)
    return None
