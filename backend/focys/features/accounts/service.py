"""Creates, lists, disables and enables accounts."""

from typing import Literal
from uuid import UUID, uuid4

from focys.domain.plain_text import is_plain
from focys.features import audit
from focys.features.accounts.addresses import canonical_address
from focys.features.accounts.events import Event
from focys.features.accounts.repository import Account, AccountRepository, Unusable
from focys.infra.db.database import Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller

MAX_NAME_LENGTH = 100


class AccountError(Exception):
    """The account cannot be found or created; the message is for the operator."""


class Accounts:
    """Manages accounts. The caller has authorized the operator."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._repository = AccountRepository(database)

    async def create(
        self,
        address: str,
        password_hash: str,
        caller: Caller,
        *,
        name: str = "",
        role: Literal["user", "admin"] = "user",
    ) -> UUID:
        """Create an account and return its id.

        Raises:
            AccountError: the address is taken, or the name is not valid.
            InvalidAddressError: it is not an email address.
        """
        address = canonical_address(address)
        if len(name) > MAX_NAME_LENGTH or not is_plain(name):
            raise AccountError(f"A name has at most {MAX_NAME_LENGTH} characters, all of them printable.")
        if await self._repository.find(address) is not None:
            raise AccountError(f"There is already an account for {address}.")
        now, user_id = self._clock.now(), uuid4()
        row = {
            "id": user_id,
            "email": address,
            "password_hash": password_hash,
            "display_name": name or address.partition("@")[0],
            "role": role,
            "created_at": now,
            "updated_at": now,
        }
        event = audit.AuditEvent(Event.CREATED, audit.Outcome.OK, user_id)
        await self._database.write(self._repository.created(row), audit.insert_event(event, caller, now))
        audit.log_event(event, caller)
        return user_id

    async def count_clock_offsets(self) -> dict[int, int]:
        """Return the number of phones by clock offset, in time steps ahead of (+) or behind (-) the server."""
        return dict(await self._repository.list_offsets())

    async def count_unusable(self) -> Unusable:
        """Return how many accounts hold an address or password hash of another program."""
        return await self._repository.count_unusable()

    async def get(self, address: str) -> Account:
        """Return the account with this address.

        Raises:
            AccountError: there is none.
            InvalidAddressError: it is not an email address.
        """
        found = await self._repository.find(canonical_address(address))
        if found is None:
            raise AccountError(f"There is no account for {address}.")
        return found

    async def list_all(self) -> list[Account]:
        """Return all accounts, sorted by address."""
        return await self._repository.list_all()

    async def set_disabled(self, address: str, caller: Caller, *, disabled: bool) -> None:
        """Disable or enable an account; either way, all its tokens stop working at once."""
        user, now = await self.get(address), self._clock.now()
        name = Event.DISABLED if disabled else Event.ENABLED
        event = audit.AuditEvent(name, audit.Outcome.OK, user.id)
        change = self._repository.disabled(user.id, now if disabled else None, now)
        await self._database.write(change, audit.insert_event(event, caller, now))
        audit.log_event(event, caller)
