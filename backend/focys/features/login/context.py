"""What the steps of a login share: their dependencies, the facts they start from, and how a login is completed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from focys.domain.bypass import Bypass
from focys.domain.login import OutOfTurnError, Proof, Step, advance
from focys.domain.outcome import Reason, Refused
from focys.features.audit import AuditEvent, EventName, Outcome, announce, as_change
from focys.features.backup_codes import BackupCodes
from focys.features.browsers import recognise
from focys.features.email_code import EmailCodes
from focys.features.lockout import Limits, PasswordLedger, forgiven
from focys.features.login.repository import Facts, LoginRepository, consumed
from focys.features.outbox import Outbox
from focys.features.passwords import Passwords
from focys.features.sessions import Evidence, Opened, Sessions
from focys.features.totp import ENROLMENT_LIFE, Totp
from focys.infra.clock import Clock
from focys.infra.database import Change, Database
from focys.infra.keys import KeyRing
from focys.infra.lifetime import latest_end
from focys.infra.visitor import Visitor

CAS_TRIES = 3
"""How often an attempt is evaluated again because another one was committed first."""

BUSY = Refused(Reason.THROTTLED, retry_after=1)

_EVENTS = {
    Proof.EMAIL_CODE: EventName.EMAIL_CODE,
    Proof.FIRST_TOTP: EventName.MFA_ENROLMENT,
    Proof.TOTP: EventName.TOTP,
    Proof.BACKUP_CODE: EventName.BACKUP_CODE,
}


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything a login needs from elsewhere, wired in ``focys.app``."""

    database: Database
    clock: Clock
    keys: KeyRing
    passwords: Passwords
    ledger: PasswordLedger
    source_limits: Limits
    account_limits: Limits
    email_codes: EmailCodes
    totp: Totp
    backup_codes: BackupCodes
    sessions: Sessions
    outbox: Outbox
    app_name: str
    mail_sender: str | None
    mfa_required: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A completed login: the new session, and the cookie by which the browser is known from now on."""

    session: Opened
    facts: Facts
    browser_token: str | None
    mfa_enabled: bool
    backup_codes_left: int
    backup_codes: tuple[str, ...] = ()
    used_backup_code: bool = False


class Context:
    """Finds the login under way and commits what a step decided."""

    def __init__(self, needs: Dependencies) -> None:
        self.needs = needs
        self.repository = LoginRepository(needs.database)
        self._longest_life = max(ENROLMENT_LIFE, needs.email_codes.life)

    def now(self) -> datetime:
        """Return the time."""
        return self.needs.clock.now()

    def latest_end(self, now: datetime) -> datetime:
        """Return the latest end of any login; one that ends later was begun by a wrong clock."""
        return latest_end(self._longest_life, now)

    async def find(self, visitor: Visitor, now: datetime) -> Facts | Refused:
        """Return the visitor's login, if it is live and the account is still as it was when it began."""
        facts = await self._look(visitor, now)
        return facts if facts is not None and _is_live(facts) else Refused(Reason.LOGIN_EXPIRED)

    async def find_for(self, proof: Proof, visitor: Visitor, now: datetime) -> Facts | Refused:
        """Return the visitor's login, if *proof* is what it waits for."""
        facts = await self._look(visitor, now)
        if facts is None or not _is_live(facts):
            user_id = facts.row.user_id if facts is not None else None
            return refuse(_EVENTS[proof], user_id, Refused(Reason.LOGIN_EXPIRED), visitor)
        try:
            advance(facts.step, proof)
        except OutOfTurnError as fault:
            return refuse(_EVENTS[proof], facts.row.user_id, Refused(Reason.OUT_OF_TURN, step=fault.step), visitor)
        return facts

    async def commit(
        self, event: AuditEvent, visitor: Visitor, now: datetime, *changes: Change, guard: Change | None
    ) -> bool:
        """Write a decision and its event together; False if another attempt was committed first."""
        done = await self.needs.database.write(*changes, as_change(event, visitor, now), guard=guard)
        if done:
            announce(event, visitor)
        return done

    def sign_in(
        self,
        facts: Facts,
        visitor: Visitor,
        now: datetime,
        *,
        amr: tuple[str, ...],
        epoch: int,
        bypass: Bypass | None = None,
    ) -> tuple[Opened, str | None, list[Change]]:
        """Return a session, the browser's token, and all that a completed login changes beside its proof."""
        row = facts.row
        evidence = Evidence(row.user_id, row.role, epoch, amr, bypass)
        session = self.needs.sessions.open(evidence, visitor, now, live=row.sessions_live)
        if bypass is not None:
            # Whoever has only the password must not gain anything that outlasts the bypass.
            return session, None, [*session.changes]
        known = recognise(
            row.user_id,
            cookie=visitor.browser,
            known_as=row.known_as,
            is_ours=row.cookie_is_ours,
            epoch=epoch,
            now=now,
        )
        changes = [*session.changes, known.change]
        login_id = getattr(row, "login_id", None)
        if login_id is not None:
            changes.append(consumed(login_id, now))
            if facts.failures:
                changes.append(forgiven(row.user_id, row.browser_id, login_id, row.password_changed_at))
        return session, known.token, changes

    async def _look(self, visitor: Visitor, now: datetime) -> Facts | None:
        return await self.repository.find_under_way(
            visitor.login, browser=visitor.browser, now=now, latest_end=self.latest_end(now)
        )


def _is_live(facts: Facts) -> bool:
    return bool(facts.row.is_live and facts.row.mfa_enabled == (facts.step is Step.SECOND_FACTOR))


def refuse(event: EventName, user_id: UUID | None, refused: Refused, visitor: Visitor) -> Refused:
    """Log a refusal that changes no row, and return it."""
    announce(AuditEvent(event, Outcome.REFUSED, user_id, refused.reason), visitor)
    return refused
