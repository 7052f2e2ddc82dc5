"""Issues and finds backup codes."""

import secrets
from datetime import datetime
from uuid import UUID

from focys.domain import crockford
from focys.features.backup_codes.repository import BackupCodeRepository, all_dropped, stored
from focys.features.outbox import Waiting, letter_for
from focys.infra.crypto.hashing import BusyError, Hasher
from focys.infra.db.database import Change, Database
from focys.infra.mail.mailer import Letter
from focys.infra.web.visitor import Visitor

SET_SIZE = 10
USED, RENEWED = "backup_code_used", "backup_codes_renewed"


class BackupCodes:
    """The backup codes of one service."""

    def __init__(self, database: Database, hasher: Hasher) -> None:
        self._repository, self._hasher = BackupCodeRepository(database), hasher

    async def issue(self, user_id: UUID, now: datetime) -> tuple[list[str], list[Change]]:
        """Return a new set as it is to be shown once, and the changes that put it in the place of the old one.

        Raises:
            BusyError: too many hashes are waiting.
        """
        codes = [crockford.encode(secrets.token_bytes(crockford.CODE_BYTES)) for _ in range(SET_SIZE)]
        hashes = await self._hasher.hash_set([crockford.normalise(code) or "" for code in codes])
        return codes, [all_dropped(user_id), *stored(user_id, hashes, now)]

    async def renew(self, user_id: UUID, visitor: Visitor, now: datetime) -> tuple[list[str], list[Change]]:
        """Return a set, as ``issue`` does, for somebody who has no code left to use, and a letter that tells the owner.

        Where hashing is busy it is empty: nobody is kept out for it, and the next sign-in brings the codes.
        """
        try:
            codes, changes = await self.issue(user_id, now)
        except BusyError:
            return [], []
        about = {"at": f"{now:%Y-%m-%d %H:%M}", "source": visitor.address}
        return codes, [*changes, letter_for(user_id, RENEWED, about, now)]

    async def find(self, user_id: UUID, code: str) -> tuple[UUID | None, int]:
        """Return the row that *code*, normalised, would spend, or None, and how many unspent codes there are.

        Raises:
            BusyError: too many hashes are waiting.
        """
        unspent = await self._repository.list_unspent(user_id)
        position = await self._hasher.find_in_set([row.code_hash for row in unspent], code)
        return (unspent[position].id if position is not None else None), len(unspent)


def used_letter(user_id: UUID, left: int, visitor: Visitor, now: datetime) -> Change:
    """Return the row that tells the owner of a use."""
    return letter_for(user_id, USED, {"left": left, "at": f"{now:%Y-%m-%d %H:%M}", "source": visitor.address}, now)


def compose_used(app_name: str, waiting: Waiting) -> Letter:
    """Write the letter about a used backup code."""
    about = waiting.about
    return Letter(
        subject=f"A backup code was used · {app_name}",
        paragraphs=(
            f"Somebody signed in to your account with a backup code ({about['at']} UTC, from {about['source']}).",
            f"{about['left']} codes are left.",
            "If that was not you, choose a new password now and ask an administrator to reset your second step.",
        ),
        console=f"Notice for {waiting.address}: a backup code was used",
    )


def compose_renewed(app_name: str, waiting: Waiting) -> Letter:
    """Write the letter about a new set."""
    about = waiting.about
    return Letter(
        subject=f"You have new backup codes · {app_name}",
        paragraphs=(
            f"A sign-in found no backup code left and was shown new ones ({about['at']} UTC, from {about['source']}).",
            "If that was not you, choose a new password now and ask an administrator to reset your second step.",
        ),
        console=f"Notice for {waiting.address}: new backup codes were shown",
    )
