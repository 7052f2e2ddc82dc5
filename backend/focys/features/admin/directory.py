"""The state of accounts, and what happened to one of them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from focys.domain.lockout import Guarded, Locked, LockState
from focys.features.accounts import Account, AccountError, Accounts, canonical_address, masked
from focys.features.admin.events import Event
from focys.features.admin.queries import count_codes_and_browsers
from focys.features.audit import KeptEvent, list_events, list_subjects
from focys.features.lockout import list_lock_states
from focys.features.sessions import Sessions
from focys.features.throttling import list_wrong_passwords, password_keys
from focys.infra.crypto.keys import KeyRing
from focys.infra.db.database import Database
from focys.infra.ops.clock import Clock

PAGE_SIZE = 50
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class State(StrEnum):
    """The state of an account. It can be in several, because each of its browsers has its own failures."""

    ACTIVE = "active"
    NOT_ENROLLED = "not enrolled"
    LOCKED = "locked"
    GUARDED = "guarded"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Person:
    """An account and the locks on it, in any of its browsers; ``locked_until`` is the end of the last one."""

    account: Account
    locked_until: datetime | None
    is_guarded: bool

    @property
    def states(self) -> tuple[State, ...]:
        """All states other than ``ACTIVE``, or just ``ACTIVE`` if there are none."""
        found = (
            (State.DISABLED, self.account.disabled_at is not None),
            (State.NOT_ENROLLED, not self.account.mfa_enabled),
            (State.LOCKED, self.locked_until is not None),
            (State.GUARDED, self.is_guarded),
        )
        return tuple(state for state, holds in found if holds) or (State.ACTIVE,)


@dataclass(frozen=True, slots=True)
class Details:
    """What an operator sees of one account.

    ``last_sign_in`` is None if its session has been deleted; ``wrong_passwords`` has a number per network or known
    browser that sent any.
    """

    person: Person
    wrong_passwords: list[int]
    backup_codes: int
    known_browsers: int
    sessions: int
    last_sign_in: datetime | None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to list: those after a time, of one name, one page of them."""

    since: datetime | None = None
    name: str | None = None
    page: int = 1
    page_size: int = PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Whose:
    """The account whose events are meant.

    If it was found by the address that it had when it was deleted, ``mask`` is all that the audit log keeps of that
    address; another address may look the same.
    """

    user_id: UUID
    mask: str | None = None


class Directory:
    """Shows accounts to an operator. The caller has authorized them."""

    def __init__(self, database: Database, clock: Clock, accounts: Accounts, sessions: Sessions, keys: KeyRing) -> None:
        self._database, self._clock, self._accounts = database, clock, accounts
        self._sessions, self._keys = sessions, keys

    async def list_people(self) -> list[Person]:
        """Return everyone, sorted by address."""
        locks = await self._locks()
        return [_person(account, locks.get(account.id, ())) for account in await self._accounts.list_all()]

    async def show(self, address: str) -> Details:
        """Return what is known about one account.

        Raises:
            AccountError: there is no such account.
        """
        account = await self._accounts.get(address)
        locks = await self._locks()
        codes, browsers = await count_codes_and_browsers(self._database, account.id)
        sessions = await self._sessions.list_of(account.id)
        return Details(
            _person(account, locks.get(account.id, ())),
            await list_wrong_passwords(self._database, password_keys(self._keys, account.email), self._clock.now()),
            codes,
            browsers,
            sum(session.state == "live" for session in sessions),
            sessions[0].created_at if sessions else None,
        )

    async def find_whose(self, whose: str) -> Whose:
        """Return whose events are meant by an ID, or by the address of an account that exists or was deleted.

        Raises:
            AccountError: there is no such account, or more than one deleted one.
        """
        with suppress(ValueError):
            return Whose(UUID(whose))
        try:
            return Whose((await self._accounts.get(whose)).id)
        except AccountError:
            mask = masked(canonical_address(whose))
            deleted = await list_subjects(self._database, Event.DELETED, mask)
            if len(deleted) > 1:
                ids = ", ".join(f"{one.user_id} (deleted {one.at:%Y-%m-%d})" for one in deleted)
                raise AccountError(f"{len(deleted)} deleted accounts were {mask}. Give the ID of one: {ids}.") from None
            if not deleted:
                raise
            return Whose(deleted[0].user_id, mask)

    async def list_events(self, user_id: UUID, wanted: EventFilter) -> list[KeptEvent]:
        """Return one page of what happened to an account, newest first, even if it was deleted."""
        return await list_events(
            self._database,
            user_id,
            since=wanted.since or _BEGINNING,
            name=wanted.name,
            most=wanted.page_size,
            skipped=(wanted.page - 1) * wanted.page_size,
        )

    async def _locks(self) -> dict[UUID, list[LockState]]:
        found: dict[UUID, list[LockState]] = {}
        for user_id, state in await list_lock_states(self._database, self._clock.now()):
            found.setdefault(user_id, []).append(state)
        return found


def _person(account: Account, locks: Sequence[LockState]) -> Person:
    ends = [lock.until for lock in locks if isinstance(lock, Locked)]
    return Person(account, max(ends, default=None), any(isinstance(lock, Guarded) for lock in locks))
