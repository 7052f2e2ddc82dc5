"""The facts of each login step at one point in time, read in one query."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from focys.domain import email_codes, lockout
from focys.domain.bypass import Bypass
from focys.domain.lockout import Failures, LockState
from focys.domain.login import Step
from focys.features.accounts import StoredTicket, masked
from focys.features.browsers import Known
from focys.features.email_code import CodeIssue

LOGIN_LIFE = timedelta(minutes=5)
RESEND_PAUSE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Account:
    """The account that signs in, and the browser it uses."""

    user_id: UUID
    email: str
    display_name: str
    role: str
    password_changed_at: datetime | None
    disabled_at: datetime | None
    mfa_enabled: bool
    attempt_seq: int
    credential_epoch: int
    sessions_live: int
    ticket_mac: bytes | None
    ticket_expires_at: datetime | None
    known_id: UUID | None
    known_hash: bytes | None
    browser_id: UUID | None

    @property
    def ticket(self) -> StoredTicket | None:
        """The ticket that the next enrollment needs, if any."""
        if self.ticket_mac is None or self.ticket_expires_at is None:
            return None
        return StoredTicket(self.ticket_mac, self.ticket_expires_at)

    @property
    def known(self) -> Known | None:
        """The row of the caller's known browser; ``browser_id`` is None if that row is outdated."""
        if self.known_id is None or self.known_hash is None:
            return None
        return Known(self.known_id, self.known_hash, is_current=self.browser_id is not None)


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """A login in progress, as stored."""

    login_id: UUID
    step_word: str
    created_at: datetime
    expires_at: datetime
    code_issue: int
    code_long: bool
    code_tries: int
    code_sent_at: datetime | None
    code_expires_at: datetime | None
    code_source: UUID | None

    @classmethod
    def new(cls, step: Step, now: datetime, ends: datetime) -> "PendingLogin":
        """Return a login that starts now, without an emailed code."""
        return cls(uuid4(), step, now, ends, 0, False, 0, None, None, None)

    @property
    def step(self) -> Step:
        """The step that the login waits for."""
        return Step(self.step_word)

    @property
    def code(self) -> CodeIssue:
        """The emailed code that this login takes; only for the step ``email_code``."""
        source, expires_at = self.code_source or self.login_id, self.code_expires_at or self.created_at
        return CodeIssue(source, self.code_issue, self.code_long, expires_at)

    @property
    def tries_left(self) -> int:
        """How many more wrong codes this login takes."""
        return max(0, email_codes.TRIES - self.code_tries)

    def resend_after(self, now: datetime) -> int:
        """Return the seconds until the code can be resent."""
        return seconds_until(self.code_sent_at + RESEND_PAUSE, now) if self.code_sent_at else 0


@dataclass(frozen=True, slots=True)
class PasswordSnapshot:
    """The facts before a password is compared; ``account`` is None for an unknown address."""

    account: Account | None
    password_hash: str | None
    throttle: tuple[int | None, datetime | None]
    bypass: Bypass | None
    earlier: PendingLogin | None
    failures: Failures
    held: Mapping[str, object]
    email_failures: tuple[datetime, ...]

    @property
    def browser_id(self) -> UUID | None:
        """The id of the caller's known browser; None if the browser is unknown."""
        return self.account.browser_id if self.account is not None else None

    def lock_state(self, now: datetime) -> LockState:
        """Return the lock state of the bucket."""
        return lockout.lock_state(self.failures, now)

    def bypass_for(self, account: Account, now: datetime) -> Bypass | None:
        """Return the bypass that replaces the second step, if one is in force."""
        lets_in = self.bypass is not None and account.mfa_enabled and self.bypass.lets_in(account.role, now)
        return self.bypass if lets_in else None

    def needs_long_code(self, now: datetime) -> bool:
        """Return whether six digits are no longer enough for an emailed code."""
        return email_codes.is_long(self.email_failures, now)

    def waits_for_code(self, now: datetime) -> bool:
        """Return whether the browser has a login in progress with an emailed code that will work for a while."""
        login = self.earlier
        if login is None or login.step is not Step.EMAIL_CODE or not login.tries_left:
            return False
        return login.code.expires_at > now + RESEND_PAUSE and (login.code_long or not self.needs_long_code(now))


@dataclass(frozen=True, slots=True)
class LoginSnapshot:
    """The facts of a login in progress.

    Attributes:
        login: its row.
        is_live: whether it is still valid: not ended, not expired, and the account unchanged since it started.
        account: the account that signs in.
        held: the account's data for each kind of factor, by kind.
        failures: the failures in the caller's bucket, if the step needs them.
        email_failures: the times of wrong emailed codes, if the step needs them.
    """

    login: PendingLogin
    is_live: bool
    account: Account
    held: Mapping[str, object]
    failures: Failures = field(default_factory=Failures)
    email_failures: tuple[datetime, ...] = ()

    def lock_state(self, now: datetime) -> LockState:
        """Return the lock state of the bucket."""
        return lockout.lock_state(self.failures, now)


@dataclass(frozen=True, slots=True)
class LoginState:
    """A login in progress as shown to a page. Times other than ``expires_at`` are in seconds."""

    step: Step
    email: str
    expires_at: datetime
    expires_in: int
    factors: tuple[str, ...] = ()
    code_length: int | None = None
    resend_after: int | None = None
    sender: str | None = None
    needs_ticket: bool = False
    guarded: bool = False
    tries_left: int | None = None
    next_pause: int | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that continues under a new token."""

    token: str
    state: LoginState


def state_of_email_code(login: PendingLogin, account: Account, sender: str | None, now: datetime) -> LoginState:
    """Return the state of a login that waits for an emailed code."""
    return LoginState(
        step=login.step,
        email=masked(account.email),
        expires_at=login.expires_at,
        expires_in=seconds_until(login.expires_at, now),
        code_length=email_codes.length(long=login.code_long),
        resend_after=login.resend_after(now),
        sender=sender,
        needs_ticket=account.ticket is not None,
        tries_left=login.tries_left,
    )


def state_of_enrollment(login: PendingLogin, email: str, now: datetime) -> LoginState:
    """Return the state of a login that waits for a new factor."""
    return LoginState(login.step, masked(email), login.expires_at, seconds_until(login.expires_at, now))


def state_of_second_factor(
    login: PendingLogin, email: str, factors: tuple[str, ...], lock: LockState, now: datetime
) -> LoginState:
    """Return the state of a login that waits for a second factor."""
    ends, wait = login.expires_at, getattr(lock, "until", None)
    tries_left, next_pause = tries_of(lock)
    return LoginState(
        step=login.step,
        email=masked(email),
        expires_at=ends,
        expires_in=seconds_until(ends, now),
        factors=factors,
        guarded=isinstance(lock, lockout.Guarded),
        tries_left=tries_left,
        next_pause=next_pause,
        retry_after=seconds_until(wait, now) if wait is not None else None,
    )


def tries_of(lock: LockState) -> tuple[int | None, int | None]:
    """Return how many single codes may still fail, and the seconds of the lock that follows, as shown to a page."""
    if not isinstance(lock, lockout.Open):
        return None, None
    return lock.tries_left, int(lock.next_pause.total_seconds()) if lock.next_pause is not None else None


def seconds_until(moment: datetime, now: datetime) -> int:
    """Return the whole seconds until *moment*, rounded up, and at least 0."""
    return max(0, math.ceil((moment - now).total_seconds()))
