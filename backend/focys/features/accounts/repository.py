"""The SQL of ``users``: lookups, and the compare-and-set that every attempt and credential change goes through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, bindparam, case, delete, func, select, update

from focys.domain.totp import Match
from focys.features.accounts.models import users
from focys.features.accounts.tickets import StoredTicket
from focys.infra.db.database import Change, Database, Shape


@dataclass(frozen=True, slots=True)
class Account:
    """An account as an operator sees it; ``disabled_at`` is None unless it is disabled."""

    id: UUID
    email: str
    display_name: str
    role: str
    mfa_enabled: bool
    disabled_at: datetime | None
    created_at: datetime
    attempt_seq: int


@dataclass(frozen=True, slots=True)
class Unusable:
    """How many accounts nobody can sign in to: their address or password hash is not one of ours."""

    addresses: int
    hashes: int


_ACCOUNT = Shape(
    Account,
    users.c.id,
    users.c.email,
    users.c.display_name,
    users.c.role,
    users.c.mfa_enabled,
    users.c.disabled_at,
    users.c.created_at,
    users.c.attempt_seq,
)
_NOTHING: Select[Any] = select()
_UNUSABLE = _NOTHING.add_columns(
    func.count().filter(users.c.email != func.lower(users.c.email)).label("addresses"),
    func.count().filter(~users.c.password_hash.like("$argon2%")).label("hashes"),
)
_WITH_CAPITALS = (
    select(users.c.id, func.lower(users.c.email).label("address"))
    .where(users.c.email != func.lower(users.c.email))
    .order_by(users.c.id)
    .limit(bindparam("at_most"))
)
_FIND = select(*_ACCOUNT.columns).where(users.c.email == bindparam("address"))
_LIST = select(*_ACCOUNT.columns).order_by(users.c.email)
_OTHER_ADMINS = select(func.count()).where(
    users.c.role == "admin", users.c.disabled_at.is_(None), users.c.id != bindparam("for_user")
)
_ADDRESSES = select(users.c.email)

_CLAIM = (
    update(users)
    .where(users.c.id == bindparam("for_user"), users.c.attempt_seq == bindparam("seq_read"))
    .values(attempt_seq=users.c.attempt_seq + 1)
)
CLAIM_LIVE = _CLAIM.where(users.c.disabled_at.is_(None))
"""The base statement for guards in other features."""

_CLAIM_AND_BURN = CLAIM_LIVE.values(totp_last_step=bindparam("burned"), totp_offset=bindparam("drift"))
_CLAIM_AND_ENROLL = _CLAIM_AND_BURN.values(
    totp_secret=bindparam("sealed"),
    mfa_enabled=True,
    ticket_mac=None,
    ticket_expires_at=None,
    credential_epoch=users.c.credential_epoch + 1,
    updated_at=bindparam("moment"),
)
_CLAIM_AND_RESET = _CLAIM.values(
    totp_secret=None,
    mfa_enabled=False,
    totp_last_step=None,
    totp_offset=None,
    ticket_mac=bindparam("ticket"),
    ticket_expires_at=bindparam("ticket_until"),
    credential_epoch=users.c.credential_epoch + 1,
    updated_at=bindparam("moment"),
)
_CLAIM_AND_SET_PASSWORD = CLAIM_LIVE.values(
    password_hash=bindparam("hashed"),
    password_changed_at=bindparam("moment"),
    updated_at=bindparam("moment"),
    credential_epoch=users.c.credential_epoch + 1,
)
_SET_PASSWORD = (
    update(users)
    .where(users.c.id == bindparam("for_user"))
    .values(
        password_hash=bindparam("hashed"),
        password_changed_at=bindparam("moment"),
        updated_at=bindparam("moment"),
        credential_epoch=users.c.credential_epoch + 1,
        attempt_seq=users.c.attempt_seq + 1,
    )
)
_UPGRADE_HASH = (
    update(users)
    .where(users.c.id == bindparam("for_user"), users.c.password_hash == bindparam("old_hash"))
    .values(password_hash=bindparam("new_hash"))
)
_SET_DISABLED = (
    update(users)
    .where(users.c.id == bindparam("for_user"))
    .values(
        disabled_at=bindparam("since"),
        updated_at=bindparam("moment"),
        attempt_seq=users.c.attempt_seq + 1,
        credential_epoch=users.c.credential_epoch + 1,
    )
)
_RENAME = (
    update(users)
    .where(users.c.id == bindparam("for_user"))
    .values(display_name=bindparam("new_name"), updated_at=bindparam("moment"))
)
_CLAIM_AND_SET_EMAIL = _CLAIM.values(
    email=bindparam("new_email"),
    credential_epoch=users.c.credential_epoch + 1,
    updated_at=bindparam("moment"),
)
_CLAIM_AND_DELETE = delete(users).where(
    users.c.id == bindparam("for_user"), users.c.attempt_seq == bindparam("seq_read")
)
_VOID_ALL = update(users).values(
    updated_at=bindparam("moment"),
    attempt_seq=users.c.attempt_seq + 1,
    credential_epoch=users.c.credential_epoch + 1,
)
_VOID_ALL_AND_BURN = _VOID_ALL.values(
    totp_last_step=case(
        (users.c.totp_secret.is_(None), None),
        (users.c.totp_last_step > bindparam("burned", type_=BigInteger), users.c.totp_last_step),
        else_=bindparam("burned", type_=BigInteger),
    ),
    # A ticket may have been used since the backup; the account asks for a new one.
    ticket_expires_at=case((users.c.ticket_mac.is_not(None), bindparam("moment")), else_=None),
)
_REPAIR_STEP = (
    update(users)
    .where(users.c.id == bindparam("for_user"), users.c.totp_last_step > bindparam("current_step"))
    .values(totp_last_step=bindparam("current_step"), attempt_seq=users.c.attempt_seq + 1)
)
_OFFSETS = (
    select(users.c.totp_offset, func.count())
    .where(users.c.totp_offset.is_not(None))
    .group_by(users.c.totp_offset)
    .order_by(users.c.totp_offset)
)


def claim(user_id: UUID, seq: int) -> Change:
    """Guard: the account is still at version *seq* and is not disabled."""
    return Change(CLAIM_LIVE, {"for_user": user_id, "seq_read": seq})


def claim_and_burn(user_id: UUID, seq: int, match: Match) -> Change:
    """Guard: like ``claim``; also marks the TOTP step of the accepted code as used."""
    return Change(_CLAIM_AND_BURN, _burned(user_id, seq, match))


def claim_and_enroll(user_id: UUID, seq: int, match: Match, *, sealed: str, now: datetime) -> Change:
    """Guard: like ``claim_and_burn``; also stores the encrypted secret as the account's authenticator."""
    return Change(_CLAIM_AND_ENROLL, {**_burned(user_id, seq, match), "sealed": sealed, "moment": now})


def _burned(user_id: UUID, seq: int, match: Match) -> dict[str, object]:
    return {"for_user": user_id, "seq_read": seq, "burned": match.step, "drift": match.offset}


def claim_and_reset(user_id: UUID, seq: int, now: datetime, *, ticket: StoredTicket | None) -> Change:
    """Guard: removes the authenticator and invalidates what was created under it. Works for disabled accounts too.

    The next enrollment needs *ticket*; with None, it needs no ticket.
    """
    mac, until = (ticket.mac, ticket.expires_at) if ticket is not None else (None, None)
    values = {"for_user": user_id, "seq_read": seq, "moment": now, "ticket": mac, "ticket_until": until}
    return Change(_CLAIM_AND_RESET, values)


def claim_and_set_password(user_id: UUID, seq: int, hashed: str, now: datetime) -> Change:
    """Guard: like ``claim``; also replaces the password, and invalidates what was created under the old one."""
    return Change(_CLAIM_AND_SET_PASSWORD, {"for_user": user_id, "seq_read": seq, "hashed": hashed, "moment": now})


def claim_and_set_email(user_id: UUID, seq: int, email: str, now: datetime) -> Change:
    """Guard: sets a new address, and invalidates what was created under the old one."""
    return Change(_CLAIM_AND_SET_EMAIL, {"for_user": user_id, "seq_read": seq, "new_email": email, "moment": now})


def claim_and_delete(user_id: UUID, seq: int) -> Change:
    """Guard: deletes the account, and with it everything that belongs to it except audit events and email."""
    return Change(_CLAIM_AND_DELETE, {"for_user": user_id, "seq_read": seq})


class AccountRepository:
    """Finds accounts, and builds changes that affect only the account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, address: str) -> Account | None:
        """Return the account with this canonical address."""
        row = await self._database.first(_FIND, address=address)
        return _ACCOUNT.read(row) if row is not None else None

    async def count_unusable(self) -> Unusable:
        row = await self._database.first(_UNUSABLE)
        assert row is not None  # noqa: S101  a SELECT of counts has a row
        return Unusable(row.addresses, row.hashes)

    async def list_with_capitals(self, at_most: int) -> dict[str, UUID]:
        """Return the accounts whose address has capitals, by the address in lowercase."""
        return {row.address: row.id for row in await self._database.rows(_WITH_CAPITALS, at_most=at_most)}

    async def list_all(self) -> list[Account]:
        """Return all accounts, sorted by address."""
        return [_ACCOUNT.read(row) for row in await self._database.rows(_LIST)]

    async def list_addresses(self) -> list[str]:
        """Return the addresses of all accounts."""
        return [row.email for row in await self._database.rows(_ADDRESSES)]

    async def is_only_admin(self, account: Account) -> bool:
        """Tell whether this is an administrator, and nobody else is one whose account is not disabled."""
        if account.role != "admin" or account.disabled_at is not None:
            return False
        row = await self._database.first(_OTHER_ADMINS, for_user=account.id)
        return row is not None and row[0] == 0

    async def list_offsets(self) -> list[tuple[int, int]]:
        """Return (offset, number of accounts) for each clock offset between phone and server, in time steps."""
        rows: Sequence[Any] = await self._database.rows(_OFFSETS)
        return [(offset, number) for offset, number in rows]

    @staticmethod
    def created(values: dict[str, Any]) -> Change:
        """Insert an account."""
        return Change(users, values)

    @staticmethod
    def password_set(user_id: UUID, hashed: str, now: datetime) -> Change:
        """Replace the password, and invalidate the logins, browsers and sessions created under the old one."""
        return Change(_SET_PASSWORD, {"for_user": user_id, "hashed": hashed, "moment": now})

    @staticmethod
    def renamed(user_id: UUID, name: str, now: datetime) -> Change:
        """Replace the name."""
        return Change(_RENAME, {"for_user": user_id, "new_name": name, "moment": now})

    @staticmethod
    def hash_upgraded(user_id: UUID, old: str, new: str) -> Change:
        """Replace the hash with one of the same password with newer parameters."""
        return Change(_UPGRADE_HASH, {"for_user": user_id, "old_hash": old, "new_hash": new})

    @staticmethod
    def disabled(user_id: UUID, since: datetime | None, now: datetime) -> Change:
        """Disable an account as of *since*, or enable it if that is None; either way, invalidate all its tokens."""
        return Change(_SET_DISABLED, {"for_user": user_id, "since": since, "moment": now})

    @staticmethod
    def everybody_voided(now: datetime) -> Change:
        """Invalidate all users' tokens, logins in progress, attempts and known browsers."""
        return Change(_VOID_ALL, {"moment": now})

    @staticmethod
    def everybody_voided_and_burned(now: datetime, step: int) -> Change:
        """Like ``everybody_voided``; also refuse tickets, and TOTP codes of time steps up to and including *step*."""
        return Change(_VOID_ALL_AND_BURN, {"moment": now, "burned": step})

    @staticmethod
    def step_repaired(user_id: UUID, current_step: int) -> Change:
        """Reset a last used step that is in the future (set by a wrong clock) to *current_step*."""
        return Change(_REPAIR_STEP, {"for_user": user_id, "current_step": current_step})
