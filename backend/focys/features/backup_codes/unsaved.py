"""Backup codes that were shown, but that nobody has acknowledged as saved: the page may have been closed too early."""

from dataclasses import dataclass
from uuid import UUID

from focys.domain.outcome import Reason, Refused
from focys.features.accounts import claim
from focys.features.audit import AuditEvent, Outcome, insert_event, log_event
from focys.features.backup_codes.events import Event
from focys.features.backup_codes.notices import REPLACED
from focys.features.backup_codes.repository import BackupCodeRepository, saved
from focys.features.backup_codes.service import BackupCodes, NewSet
from focys.features.outbox import seen
from focys.features.rate_limits import CODES_REPLACED, RateLimiter
from focys.infra.db.database import Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller


@dataclass(frozen=True, slots=True)
class UnsavedCodes:
    """What signed-in users can do about their unsaved set; stored as ``app.state.unsaved_codes``."""

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
        wait = await self.limits.hit(CODES_REPLACED, str(user_id))
        if wait is not None:
            return Refused(Reason.THROTTLED, retry_after=wait)
        found = await BackupCodeRepository(self.database).find_unsaved(user_id)
        if found is None or found.unsaved_set != set_id:
            return Refused(Reason.CODES_OUTDATED)
        now = self.clock.now()
        new = await self.codes.issue(user_id, now)
        event = AuditEvent(Event.REPLACED, Outcome.OK, user_id)
        changes = (*new.changes, REPLACED.queue(user_id, seen(caller, now), now), insert_event(event, caller, now))
        if not await self.database.write(*changes, guard=claim(user_id, found.attempt_seq)):
            return Refused(Reason.THROTTLED, retry_after=1)
        log_event(event, caller)
        return new
