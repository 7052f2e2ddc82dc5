"""Creates, lists, renames, disables and enables accounts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from focys.domain.plain_text import is_plain, is_readable
from focys.features import audit
from focys.features.accounts.addresses import canonical_address
from focys.features.accounts.events import Event
from focys.features.accounts.repository import Account, AccountRepository, Unusable
from focys.infra.db.database import Change, Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller

MAX_NAME_LENGTH = 100
_INVISIBLE = "A name is a single line with at least one visible character."


class AccountError(Exception):
    """The account cannot be found or created; the message is for the operator."""


class OnlyAdministratorError(AccountError):
    """After this, nobody could administer the service."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to create; without a name, it is named after its address."""

    email: str
    password_hash: str
    name: str = ""
    role: Literal["user", "admin"] = "user"


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
        return await self.create_new(NewAccount(address, password_hash, name, role), caller)

    async def create_new(
        self, new: NewAccount, caller: Caller, also: Callable[[UUID, datetime], Change] | None = None
    ) -> UUID:
        """Create an account, and in the same write make the change that *also* returns for its id and the time.

        Raises:
            AccountError: the address is taken, or the name is not valid.
            InvalidAddressError: it is not an email address.
        """
        address = await self.check_new(new.email, new.name)
        now, user_id = self._clock.now(), uuid4()
        row = {
            "id": user_id,
            "email": address,
            "password_hash": new.password_hash,
            "display_name": new.name or address.partition("@")[0],
            "role": new.role,
            "created_at": now,
            "updated_at": now,
        }
        changes = [self._repository.created(row), *([also(user_id, now)] if also else [])]
        await self._commit(Event.CREATED, user_id, caller, now, *changes)
        return user_id

    async def check_new(self, address: str, name: str = "") -> str:
        """Check that an account with this address and name can be created, and return the canonical address.

        Raises:
            AccountError: the address is taken, or the name is not valid.
            InvalidAddressError: it is not an email address.
        """
        address = canonical_address(address)
        check_name(name)
        if await self._repository.find(address) is not None:
            raise AccountError(f"There is already an account for {address}.")
        return address

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

    async def list_addresses(self) -> list[str]:
        """Return the addresses of all accounts."""
        return await self._repository.list_addresses()

    async def rename(self, address: str, name: str, caller: Caller) -> None:
        """Give an account another name.

        Raises:
            AccountError: there is no such account, or the name is not valid.
        """
        if not name:
            raise AccountError("A name needs at least one character.")
        check_name(name)
        user, now = await self.get(address), self._clock.now()
        await self._commit(Event.RENAMED, user.id, caller, now, self._repository.renamed(user.id, name, now))

    async def set_disabled(self, address: str, caller: Caller, *, disabled: bool, force: bool = False) -> None:
        """Disable or enable an account; either way, all its tokens stop working at once.

        Raises:
            AccountError: there is no such account.
            OnlyAdministratorError: it is the only administrator's, and *force* is not set.
        """
        user, now = await self.get(address), self._clock.now()
        if disabled and not force:
            await self.check_not_only_admin(user)
        change = self._repository.disabled(user.id, now if disabled else None, now)
        await self._commit(Event.DISABLED if disabled else Event.ENABLED, user.id, caller, now, change)

    async def check_not_only_admin(self, user: Account) -> None:
        """Check that someone else can administer the service, too.

        Raises:
            OnlyAdministratorError: this is the only administrator.
        """
        if await self._repository.is_only_admin(user):
            raise OnlyAdministratorError(f"{user.email} is the only administrator.")

    async def _commit(self, name: Event, user_id: UUID, caller: Caller, now: datetime, *changes: Change) -> None:
        event = audit.AuditEvent(name, audit.Outcome.OK, user_id)
        await self._database.write(*changes, audit.insert_event(event, caller, now))
        audit.log_event(event, caller)


def check_name(name: str) -> None:
    """Check that a name can be shown; an empty one stands for the address.

    Raises:
        AccountError: it cannot.
    """
    if len(name) > MAX_NAME_LENGTH or not is_plain(name):
        raise AccountError(f"A name has at most {MAX_NAME_LENGTH} characters, all of them printable.")
    if name and not is_readable(name):
        raise AccountError(_INVISIBLE)
