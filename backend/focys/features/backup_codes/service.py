"""Creates, renews and checks backup codes."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from focys.domain import crockford
from focys.features.backup_codes.notices import RENEWED
from focys.features.backup_codes.repository import BackupCodeRepository, IssuedCode, all_dropped, stored
from focys.features.outbox import seen
from focys.infra.crypto.hashing import BusyError, Hasher
from focys.infra.db.database import Change, Database
from focys.infra.web.caller import Caller

SET_SIZE = 10


@dataclass(frozen=True, slots=True)
class NewSet:
    """A new set: its id, its codes, to be shown once, and the changes that replace the old set with it."""

    id: UUID
    codes: tuple[str, ...]
    changes: tuple[Change, ...]


class BackupCodes:
    """Issues backup codes and looks them up."""

    def __init__(self, database: Database, hasher: Hasher) -> None:
        self._repository, self._hasher = BackupCodeRepository(database), hasher

    async def issue(self, user_id: UUID, now: datetime) -> NewSet:
        """Return a new set of codes.

        Raises:
            BusyError: too many hashes are waiting.
        """
        codes = tuple(crockford.encode(secrets.token_bytes(crockford.CODE_BYTES)) for _ in range(SET_SIZE))
        hashes = await self._hasher.hash_set([crockford.normalize(code) or "" for code in codes])
        set_id = uuid4()
        return NewSet(set_id, codes, (all_dropped(user_id), *stored(user_id, set_id, hashes, now)))

    async def renew(self, user_id: UUID, caller: Caller, now: datetime) -> NewSet | None:
        """Return a new set, like ``issue``, for a user who has none left; the changes include an email to the owner.

        None if too many hashes are waiting: the sign-in goes on, and the next one issues the codes.
        """
        try:
            new = await self.issue(user_id, now)
        except BusyError:
            return None
        return replace(new, changes=(*new.changes, RENEWED.queue(user_id, seen(caller, now), now)))

    async def find(self, user_id: UUID, code: str) -> tuple[IssuedCode | None, int]:
        """Return the user's code that matches *code* (normalized), or None, and the number of unspent codes.

        Raises:
            BusyError: too many hashes are waiting.
        """
        issued = await self._repository.list_for(user_id)
        position = await self._hasher.find_in_set([row.code_hash for row in issued], code)
        unspent = sum(row.spent_at is None for row in issued)
        return (issued[position] if position is not None else None), unspent
