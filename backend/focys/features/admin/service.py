"""An operator's actions; each is one write with its audit row, and the owner is notified by mail where it matters."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from focys.domain.totp import step_at
from focys.features.accounts import AccountRepository, Accounts, claim_and_reset
from focys.features.admin.notices import RESET
from focys.features.audit import Alarm, AuditEvent, EventName, Outcome, announce, as_change, pruned
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
from focys.infra.web.visitor import Visitor

_TRIES = 5
_SWEEP_SECONDS = 300


class ConflictError(Exception):
    """The account was busy with other attempts; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Voided:
    """How many sessions, backup codes and letters that a restored backup brought back were made void."""

    sessions: int
    backup_codes: int
    letters: int


class Administration:
    """Acts on behalf of an operator whom the caller has authorised."""

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

    async def unlock(self, address: str, visitor: Visitor) -> None:
        """Delete the account's failures, and a last used time step that a wrong clock put into the future.

        Raises:
            AccountError: there is no such account.
        """
        user, now = await self._accounts.get(address), self._clock.now()
        await self._commit(
            AuditEvent(EventName.UNLOCKED, Outcome.OK, user.id),
            visitor,
            now,
            all_forgiven(user.id),
            email_failures_forgiven(user.id),
            passwords_forgiven(password_keys(self._keys, user.email)),
            AccountRepository.step_repaired(user.id, step_at(now.timestamp())),
        )

    async def reset_mfa(self, address: str, visitor: Visitor) -> None:
        """Remove authenticator, backup codes, known browsers and sessions at once; the next sign-in enrols anew.

        A bypass for this person ends too: otherwise the password alone would suffice after the new enrolment.

        Raises:
            AccountError: there is no such account.
            ConflictError: the account was too busy.
        """
        for _ in range(_TRIES):
            user, now = await self._accounts.get(address), self._clock.now()
            event = AuditEvent(EventName.MFA_RESET, Outcome.OK, user.id, alarm=Alarm.MFA_RESET)
            done = await self._database.write(
                setups_dropped(user.id),
                all_dropped(user.id),
                browsers_forgotten(user.id),
                all_ended(user.id, now),
                own_bypasses_ended(user.id, now),
                RESET.queue(user.id, {"at": minute(now)}, now),
                as_change(event, visitor, now),
                guard=claim_and_reset(user.id, user.attempt_seq, now),
            )
            if done:
                announce(event, visitor)
                return
        raise ConflictError("The account was busy; nothing was changed. Try again.")

    async def set_password(self, address: str, password: str, visitor: Visitor) -> None:
        """Give the account a new password; its sessions, known browsers, logins and set-ups under way end.

        Raises:
            AccountError: there is no such account.
            WeakPasswordError: the password is refused.
        """
        user = await self._accounts.get(address)
        hashed, now = await self._passwords.choose(password, user.email), self._clock.now()
        event = AuditEvent(EventName.PASSWORD_SET, Outcome.OK, user.id)
        # Whoever set up an authenticator with the old password has seen the pending secret.
        dropped = setups_dropped(user.id)
        changes = (AccountRepository.password_set(user.id, hashed, now), all_ended(user.id, now), dropped)
        forgiven = passwords_forgiven(password_keys(self._keys, user.email))
        await self._commit(event, visitor, now, *changes, forgiven)

    async def rotate_keys(self, visitor: Visitor, progress: Progress) -> Rotation:
        """Re-encrypt every TOTP secret that is not under the newest key, while the service runs.

        That takes many writes: the audit log has a row before the first of them, and one with the numbers at the end.
        """

        async def tell(detail: str) -> None:
            event = AuditEvent(EventName.KEYS_ROTATED, Outcome.OK, detail=detail)
            await self._commit(event, visitor, self._clock.now())

        rotation = await self._totp.rotate(progress, partial(tell, "begun"))
        if rotation.moved:
            await tell(f"{rotation.moved} secrets sealed anew, {rotation.unreadable} could not be opened")
        return rotation

    async def end_all_sessions(self, visitor: Visitor, reason: str | None) -> int:
        """End everybody's sessions, known browsers, and logins and set-ups under way; return how many sessions ended.

        Passwords, authenticators and backup codes stay. The reason is the operator's own words, for the audit.
        """
        now = self._clock.now()
        event = AuditEvent(EventName.ALL_SESSIONS_ENDED, Outcome.OK, detail=reason)
        # Accounts first, as a sign-in does it, so that the two wait for each other and never in a circle.
        _, ended, *_ = await self._database.counts(
            AccountRepository.everybody_voided(now),
            everybodys_ended(now),
            # What was shown in a login that ends may have been seen by whoever it is ended for.
            all_setups_dropped(),
            as_change(event, visitor, now),
            seconds=_SWEEP_SECONDS,
        )
        announce(event, visitor)
        return ended

    async def void_restored(self, visitor: Visitor, reason: str | None) -> Voided:
        """Void all that a restored backup brought back and that may have been used, ended or seen since it was made.

        Beside what ``end_all_sessions`` ends: backup codes, whose owners get new ones at their next sign-in with the
        app; TOTP codes of every time step that may have been used until now; letters that may have left already; and
        bypasses of the second step.
        """
        now = self._clock.now()
        event = AuditEvent(EventName.BACKUP_RESTORED, Outcome.OK, detail=reason)
        _, sessions, _, codes, letters, *_ = await self._database.counts(
            AccountRepository.everybody_voided_and_burned(now, self._totp.newest_step(now)),
            everybodys_ended(now),
            all_setups_dropped(),
            everybodys_dropped(),
            all_withdrawn(now),
            all_bypasses_ended(now),
            as_change(event, visitor, now),
            seconds=_SWEEP_SECONDS,
        )
        announce(event, visitor)
        return Voided(sessions, codes, letters)

    async def prune_audit(self, keep: timedelta, visitor: Visitor) -> int:
        """Delete audit events older than *keep*, audit the deletion, and return how many were deleted."""
        now = self._clock.now()
        since = now - keep
        event = AuditEvent(EventName.AUDIT_PRUNED, Outcome.OK, detail=f"kept since {since:%Y-%m-%d %H:%M:%S} UTC")
        count, _ = await self._database.counts(pruned(since), as_change(event, visitor, now), seconds=_SWEEP_SECONDS)
        announce(event, visitor)
        return count

    async def _commit(self, event: AuditEvent, visitor: Visitor, now: datetime, *changes: Change) -> None:
        await self._database.write(*changes, as_change(event, visitor, now))
        announce(event, visitor)
