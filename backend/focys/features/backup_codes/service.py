"""Issues and finds backup codes."""

import secrets
from datetime import datetime
from uuid import UUID

from focys.domain import crockford
from focys.features.backup_codes.notices import RENEWED
from focys.features.backup_codes.repository import BackupCodeRepository, all_dropped, stored
from focys.features.outbox import seen
from focys.infra.crypto.hashing import BusyError, Hasher
from focys.infra.db.database import Change, Database
from focys.infra.web.visitor import Visitor

SET_SIZE = 10


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
        """Return a set, as ``issue`` does, for someone who has no code left, and an email that tells the owner.

        Where hashing is busy it is empty: nobody is kept out for it, and the next sign-in brings the codes.
        """
        try:
            codes, changes = await self.issue(user_id, now)
        except BusyError:
            return [], []
        return codes, [*changes, RENEWED.queue(user_id, seen(visitor, now), now)]

    async def find(self, user_id: UUID, code: str) -> tuple[UUID | None, int]:
        """Return the row that *code*, normalised, would spend, or None, and how many unspent codes there are.

        Raises:
            BusyError: too many hashes are waiting.
        """
        unspent = await self._repository.list_unspent(user_id)
        position = await self._hasher.find_in_set([row.code_hash for row in unspent], code)
        return (unspent[position].id if position is not None else None), len(unspent)
