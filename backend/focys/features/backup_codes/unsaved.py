"""New backup codes for someone who is signed in, and whether they were saved: the page may be closed too early."""

from dataclasses import dataclass
from uuid import UUID

from focys.domain.outcome import Reason, Refused
from focys.features.accounts import claim
from focys.features.audit import AuditEvent, Outcome, insert_event, log_event
from focys.features.backup_codes.events import Event
from focys.features.backup_codes.notices import REPLACED
from focys.features.backup_codes.repository import BackupCodeRepository, UnsavedSet, saved
from focys.features.backup_codes.service import BackupCodes, NewSet
from focys.features.outbox import seen
from focys.features.rate_limits import CODES_REPLACED, RateLimiter
from focys.infra.db.database import Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller


@dataclass(frozen=True, slots=True)
class UnsavedCodes:
    """What signed-in users can do about their codes; stored as ``app.state.unsaved_codes``."""

    database: Database
    clock: Clock
    codes: BackupCodes
    limits: RateLimiter

    async def acknowledge(self, user_id: UUID, set_id: UUID) -> UUID | None:
        """Note that the user has saved a set. If another one has replaced it and is unsaved, return that one's id."""
        await self.database.write(saved(user_id, set_id))
        found = await BackupCodeRepository(self.database).find_unsaved(user_id)
        return found.unsaved_set if found is not None else None

    async def replace(self, user_id: UUID, set_id: UUID, caller: Caller) -> NewSet | Refused:
        """Replace the unsaved set, and email the owner; refused if another tab has saved or replaced it.

        Raises:
            BusyError: too many hashes are waiting.
        """
        found = await self._begin(user_id)
        if isinstance(found, Refused):
            return found
        if found.unsaved_set != set_id:
            return Refused(Reason.CODES_OUTDATED)
        return await self._replace(user_id, found.attempt_seq, caller)

    async def renew(self, user_id: UUID, caller: Caller) -> NewSet | Refused:
        """Replace all codes, saved or not, and email the owner; refused without a second factor that they stand in for.

        Raises:
            BusyError: too many hashes are waiting.
        """
        found = await self._begin(user_id)
        if isinstance(found, Refused):
            return found
        if not found.mfa_enabled:
            return Refused(Reason.FACTOR_NEEDED)
        return await self._replace(user_id, found.attempt_seq, caller)

    async def _begin(self, user_id: UUID) -> UnsavedSet | Refused:
        wait = await self.limits.hit(CODES_REPLACED, str(user_id))
        if wait is not None:
            return Refused(Reason.THROTTLED, retry_after=wait)
        found = await BackupCodeRepository(self.database).find_unsaved(user_id)
        return Refused(Reason.SESSION_ENDED) if found is None else found

    async def _replace(self, user_id: UUID, seq: int, caller: Caller) -> NewSet | Refused:
        now = self.clock.now()
        new = await self.codes.issue(user_id, now)
        event = AuditEvent(Event.REPLACED, Outcome.OK, user_id)
        changes = (*new.changes, REPLACED.queue(user_id, seen(caller, now), now), insert_event(event, caller, now))
        if not await self.database.write(*changes, guard=claim(user_id, seq)):
            return Refused(Reason.THROTTLED, retry_after=1)
        log_event(event, caller)
        return new
