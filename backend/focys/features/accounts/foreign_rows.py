"""Rows that another program wrote: every password is wrong for them, and only the operator can be told why."""

from uuid import UUID

from focys.features.accounts.repository import AccountRepository
from focys.infra.crypto.hashing import is_ours
from focys.infra.db.database import Database
from focys.infra.ops.logs import logger

AT_MOST = 1000
FIX_ADDRESSES = "as the owner of the tables: UPDATE users SET email = lower(email)"
FIX_HASH = "focys users set-password ADDRESS"

_log = logger("focys.accounts")


class ForeignRows:
    """Warns about a sign-in to an account that another program wrote.

    Addresses with capitals are read from time to time: looking for one at each unknown address would read the whole
    table, and would take longer than a known address does.
    """

    def __init__(self, database: Database) -> None:
        self._repository = AccountRepository(database)
        self._with_capitals: dict[str, UUID] = {}

    async def read(self) -> None:
        """Read which addresses have capitals."""
        self._with_capitals = await self._repository.list_with_capitals(AT_MOST)

    def warn(self, address: str, user_id: UUID | None, password_hash: str | None) -> None:
        """Log why a refused sign-in can never succeed, if so; without the address."""
        if user_id is not None and password_hash is not None and not is_ours(password_hash):
            _log.warning("password_hash_is_not_argon2", user_id=str(user_id), fix=FIX_HASH)
        hidden = self._with_capitals.get(address) if user_id is None else None
        if hidden is not None:
            _log.warning("address_has_capitals", user_id=str(hidden), fix=FIX_ADDRESSES)
