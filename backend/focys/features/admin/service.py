"""Operator actions. Each is written together with its audit event; the owner gets an email where it matters."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from focys.domain.totp import step_at
from focys.features.accounts import AccountRepository, Accounts, claim_and_reset, new_ticket
from focys.features.admin.conflict import TRIES, ConflictError
from focys.features.admin.events import Alarm, Event
from focys.features.admin.notices import RESET
from focys.features.audit import AuditEvent, Outcome, insert_event, log_event, pruned
from focys.features.backup_codes import all_dropped, everybodys_dropped
from focys.features.browsers import browsers_forgotten
from focys.features.bypass import all_bypasses_ended, own_bypasses_ended
from focys.features.email_code import email_failures_forgiven
from focys.features.lockout import all_forgiven
from focys.features.outbox import all_withdrawn, minute
from focys.features.passwords import Passwords
from focys.features.sessions import all_ended, everybodys_ended
from focys.features.throttling import password_keys, passwords_forgiven
from focys.features.totp import Progress, Rotation, TotpSecrets, all_setups_dropped, setups_dropped
from focys.infra.crypto.keys import KeyRing
from focys.infra.db.database import Change, Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller

_SWEEP_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Voided:
    """How many sessions, backup codes and emails from a restored backup were invalidated."""

    sessions: int
    backup_codes: int
    emails: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a person needs to enroll after a reset, for the operator to hand over, and when it expires."""

    text: str = field(repr=False)
    expires_at: datetime


class Administration:
    """Acts for an operator. The caller has authorized them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        accounts: Accounts,
        passwords: Passwords,
        totp: TotpSecrets,
        keys: KeyRing,
    ) -> None:
        self._database, self._clock, self._accounts = database, clock, accounts
        self._passwords, self._totp, self._keys = passwords, totp, keys

    async def unlock(self, address: str, caller: Caller) -> None:
        """Delete the account's failures, and reset a last used time step that is in the future (set by a wrong clock).

        Raises:
            AccountError: there is no such account.
        """
        user, now = await self._accounts.get(address), self._clock.now()
        await self._commit(
            AuditEvent(Event.UNLOCKED, Outcome.OK, user.id),
            caller,
            now,
            all_forgiven(user.id),
            email_failures_forgiven(user.id),
            passwords_forgiven(password_keys(self._keys, user.email)),
            AccountRepository.step_repaired(user.id, step_at(now.timestamp())),
        )

    async def reset_mfa(self, address: str, caller: Caller, *, with_ticket: bool = True) -> Ticket | None:
        """Remove the authenticator, backup codes, known browsers and sessions; the next sign-in enrolls again.

        That enrollment needs the ticket that this returns. Without one, password and mailbox are enough, or the
        password alone where no second factor is required. A bypass for this user ends too; otherwise the password alone
        would still be enough after the new enrollment.

        Raises:
            AccountError: there is no such account.
            ConflictError: concurrent attempts kept changing the account.
        """
        for _ in range(TRIES):
            user, now = await self._accounts.get(address), self._clock.now()
            ticket, stored = new_ticket(self._keys, user.id, now) if with_ticket else ("", None)
            detail = None if with_ticket else "without a ticket"
            event = AuditEvent(Event.MFA_RESET, Outcome.OK, user.id, detail=detail, alarm=Alarm.MFA_RESET)
            done = await self._database.write(
                setups_dropped(user.id),
                all_dropped(user.id),
                browsers_forgotten(user.id),
                all_ended(user.id, now),
                own_bypasses_ended(user.id, now),
                RESET.queue(user.id, {"at": minute(now), "ticket": with_ticket}, now),
                insert_event(event, caller, now),
                guard=claim_and_reset(user.id, user.attempt_seq, now, ticket=stored),
            )
            if done:
                log_event(event, caller)
                return Ticket(ticket, stored.expires_at) if stored is not None else None
        raise ConflictError

    async def set_password(self, address: str, password: str, caller: Caller) -> None:
        """Set a new password; this ends the account's sessions, known browsers, logins and setups in progress.

        Raises:
            AccountError: there is no such account.
            WeakPasswordError: the policy does not allow the password.
        """
        user = await self._accounts.get(address)
        hashed, now = await self._passwords.choose(password, user.email), self._clock.now()
        event = AuditEvent(Event.PASSWORD_SET, Outcome.OK, user.id)
        # Anyone who knew the old password may have seen a pending secret.
        dropped = setups_dropped(user.id)
        changes = (AccountRepository.password_set(user.id, hashed, now), all_ended(user.id, now), dropped)
        forgiven = passwords_forgiven(password_keys(self._keys, user.email))
        await self._commit(event, caller, now, *changes, forgiven)

    async def rotate_keys(self, caller: Caller, progress: Progress) -> Rotation:
        """Re-encrypt every TOTP secret that is not under the newest key, while the service runs.

        This takes many writes, so there are two audit events: one before the first write, and one with the counts after
        the last.
        """

        async def record(detail: str) -> None:
            event = AuditEvent(Event.KEYS_ROTATED, Outcome.OK, detail=detail)
            await self._commit(event, caller, self._clock.now())

        rotation = await self._totp.rotate(progress, partial(record, "started"))
        if rotation.reencrypted:
            await record(f"{rotation.reencrypted} secrets re-encrypted, {rotation.unreadable} could not be decrypted")
        return rotation

    async def end_all_sessions(self, caller: Caller, reason: str | None) -> int:
        """End all users' sessions, known browsers, logins and setups in progress; return how many sessions ended.

        Passwords, authenticators and backup codes stay. *reason* is the operator's own text for the audit log.
        """
        now = self._clock.now()
        event = AuditEvent(Event.ALL_SESSIONS_ENDED, Outcome.OK, detail=reason)
        # Lock accounts first, as a sign-in does, so the two cannot deadlock.
        _, ended, *_ = await self._database.counts(
            AccountRepository.everybody_voided(now),
            everybodys_ended(now),
            # An attacker may have seen the secrets that these logins have shown.
            all_setups_dropped(),
            insert_event(event, caller, now),
            seconds=_SWEEP_SECONDS,
        )
        log_event(event, caller)
        return ended

    async def void_restored(self, caller: Caller, reason: str | None) -> Voided:
        """Invalidate what a restored backup contains and may have been used, ended or exposed since it was made.

        In addition to what ``end_all_sessions`` ends: backup codes (users get new ones at their next sign-in with the
        app), enrollment tickets, the TOTP codes of every time step up to now, unsent emails (they may have been sent
        already), and bypasses of the second factor.
        """
        now = self._clock.now()
        event = AuditEvent(Event.BACKUP_RESTORED, Outcome.OK, detail=reason)
        _, sessions, _, codes, emails, *_ = await self._database.counts(
            AccountRepository.everybody_voided_and_burned(now, self._totp.newest_step(now)),
            everybodys_ended(now),
            all_setups_dropped(),
            everybodys_dropped(),
            all_withdrawn(now),
            all_bypasses_ended(now),
            insert_event(event, caller, now),
            seconds=_SWEEP_SECONDS,
        )
        log_event(event, caller)
        return Voided(sessions, codes, emails)

    async def prune_audit(self, keep: timedelta, caller: Caller) -> int:
        """Delete audit events older than *keep*, record that in the audit log, and return how many were deleted."""
        now = self._clock.now()
        since = now - keep
        event = AuditEvent(Event.AUDIT_PRUNED, Outcome.OK, detail=f"kept since {since:%Y-%m-%d %H:%M:%S} UTC")
        count, _ = await self._database.counts(pruned(since), insert_event(event, caller, now), seconds=_SWEEP_SECONDS)
        log_event(event, caller)
        return count

    async def _commit(self, event: AuditEvent, caller: Caller, now: datetime, *changes: Change) -> None:
        await self._database.write(*changes, insert_event(event, caller, now))
        log_event(event, caller)
