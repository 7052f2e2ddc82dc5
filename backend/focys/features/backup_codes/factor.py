"""Backup codes as a second factor; they are issued along with another factor."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from focys.domain.attempt import NotComparedError
from focys.domain.lockout import Strength
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.accounts import users
from focys.features.backup_codes.events import Event
from focys.features.backup_codes.notices import USED
from focys.features.backup_codes.repository import all_dropped, left_for, others_saved, spent, unsaved_for
from focys.features.backup_codes.schemas import BackupCodeEntry
from focys.features.backup_codes.service import BackupCodes, NewSet
from focys.features.factors import Claim, Issued, Proven
from focys.features.outbox import seen
from focys.features.rate_limits import USED_CODES, RateLimiter
from focys.infra.crypto.hashing import BusyError
from focys.infra.db.database import Change, Shape


@dataclass(frozen=True, slots=True)
class HeldBackupCodes:
    """How many unspent codes an account has, and the id of their set until the owner acknowledges it as saved."""

    backup_codes_left: int
    backup_codes_unsaved: UUID | None


class BackupCodeFactor:
    """Accepts each backup code once, and recognizes used ones; issues ten at enrollment, and when none is left."""

    kind = "backup_codes"
    event = Event.BACKUP_CODE
    amr = "backup"
    held = Shape(
        HeldBackupCodes,
        left_for(users.c.id).label("backup_codes_left"),
        unsaved_for(users.c.id).label("backup_codes_unsaved"),
    )

    def __init__(self, codes: BackupCodes, limits: RateLimiter) -> None:
        self._codes, self._limits = codes, limits

    def is_offered(self, held: HeldBackupCodes) -> bool:
        """Return whether any code is left."""
        return held.backup_codes_left > 0

    def strength(self, answer: BackupCodeEntry) -> Strength:  # noqa: ARG002  required by the protocol
        """Return ``UNGUESSABLE``: a code has 80 bits."""
        return Strength.UNGUESSABLE

    def profile(self, held: HeldBackupCodes) -> Mapping[str, object]:
        """Return how many are left, and whether they are unsaved."""
        return {"backup_codes_left": held.backup_codes_left, "backup_codes_unsaved": held.backup_codes_unsaved}

    async def verify(
        self,
        answer: BackupCodeEntry,
        held: HeldBackupCodes,  # noqa: ARG002  the codes are read again with their hashes
        claim: Claim,
    ) -> Proven | Unproven:
        """Compare the code with the account's codes.

        Raises:
            NotComparedError: too many hashes are waiting.
        """
        try:
            found, unspent = await self._codes.find(claim.user_id, answer.code)
        except BusyError as fault:
            raise NotComparedError from fault
        if found is None:
            return Unproven(Refused(Reason.INVALID_CODE))
        if found.spent_at is not None:
            return await self._already_used(claim)
        left = {"backup_codes_left": unspent - 1}
        mail = USED.queue(claim.user_id, {**seen(claim.caller, claim.now), "left": unspent - 1}, claim.now)
        changes = (spent(found.id, claim.now), others_saved(claim.user_id, found.id), mail)
        return Proven(issued=Issued(changes, left, {**left, "backup_codes_unsaved": None}), tells_owner=True)

    async def _already_used(self, claim: Claim) -> Unproven:
        """Refund the charge, but only a few times an hour: each try costs a hash, and a used code never expires."""
        wait = await self._limits.hit(USED_CODES, str(claim.user_id))
        return Unproven(Refused(Reason.CODE_ALREADY_USED), is_charged=wait is not None)

    async def issue(self, claim: Claim) -> Issued:
        """Return ten new codes.

        Raises:
            NotComparedError: too many hashes are waiting.
        """
        try:
            return _issued(await self._codes.issue(claim.user_id, claim.now))
        except BusyError as fault:
            raise NotComparedError from fault

    def dropped(self, user_id: UUID) -> Change:
        """Delete a user's codes."""
        return all_dropped(user_id)

    async def replenish(self, held: HeldBackupCodes, claim: Claim) -> Issued:
        """Return ten new codes if the user has none left, and an email about them."""
        if held.backup_codes_left:
            return Issued()
        new = await self._codes.renew(claim.user_id, claim.caller, claim.now)
        return _issued(new) if new is not None else Issued()


def _issued(new: NewSet) -> Issued:
    profile = {"backup_codes_left": len(new.codes), "backup_codes_unsaved": new.id}
    return Issued(new.changes, {"backup_codes": list(new.codes)}, profile)
