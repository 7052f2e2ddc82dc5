"""The SQL of unconfirmed secrets (one per login), and of re-encrypting all secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Select, Table, Update, and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from focys.features.accounts import users
from focys.features.factors import Claim
from focys.features.totp.models import totp_setups as setups
from focys.infra.db.database import Change, Database, Shape
from focys.infra.db.lifetime import max_expiry, not_expired

ENROLLMENT_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class StoredSetup:
    """An unconfirmed secret, encrypted, and when it expires."""

    sealed: str
    expires_at: datetime


SETUP = Shape(StoredSetup, setups.c.secret.label("sealed"), setups.c.expires_at)
_FIND = select(*SETUP.columns).where(setups.c.login_id == bindparam("for_login"), not_expired(setups.c.expires_at))
_SEALED = select(users.c.totp_secret).where(users.c.totp_secret.is_not(None)).limit(20)
# A ciphertext starts with "v1." and eight digits of the key id.
_seal = func.substr(users.c.totp_secret, 1, 12).label("seal")
_SEALS = select(_seal, func.count()).where(users.c.totp_secret.is_not(None)).group_by(_seal)
_insert = insert(setups)
# Two tabs that start at once get the same secret: a row is replaced only if it has expired, or is the one to discard.
_BEGIN = _insert.values(
    login_id=bindparam("for_login"),
    user_id=bindparam("for_user"),
    secret=bindparam("sealed"),
    created_at=bindparam("moment"),
    expires_at=bindparam("until"),
).on_conflict_do_update(
    index_elements=[setups.c.login_id],
    set_={
        "secret": _insert.excluded.secret,
        "created_at": _insert.excluded.created_at,
        "expires_at": _insert.excluded.expires_at,
    },
    where=~not_expired(setups.c.expires_at) | (setups.c.secret == bindparam("replaces")),
)
_DROP = delete(setups).where(setups.c.login_id == bindparam("for_login"))
_DROP_OF_USER = delete(setups).where(setups.c.user_id == bindparam("for_user"))
_DROP_ALL = delete(setups)

BATCH = 100
"""How many rows are re-encrypted per statement; a sign-in waits for at most one such statement."""


@dataclass(frozen=True, slots=True)
class Vault:
    """The statements for a column of encrypted secrets."""

    count: Select[Any]
    window: Select[Any]
    shape: "Shape[Sealed]"
    replace: Update


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted secret: ``key`` identifies its row, ``owner`` is the user that the ciphertext is bound to."""

    key: UUID
    owner: UUID
    sealed: str


def _vault(table: Table, key: Column[UUID], owner: Column[UUID], secret: Column[str]) -> Vault:
    is_the_one = [key == bindparam(f"key_{i}") for i in range(BATCH)]
    is_as_read = [and_(is_it, secret == bindparam(f"read_{i}")) for i, is_it in enumerate(is_the_one)]
    new = case(*((is_it, bindparam(f"new_{i}")) for i, is_it in enumerate(is_the_one)), else_=secret)
    shape = Shape(Sealed, key.label("key"), owner.label("owner"), secret.label("sealed"))
    return Vault(
        count=select(func.count(secret)),
        window=select(*shape.columns).where(secret.is_not(None), key > bindparam("after")).order_by(key).limit(BATCH),
        shape=shape,
        replace=update(table).where(or_(*is_as_read)).values({secret: new}).returning(key.label("key")),
    )


VAULTS = (
    _vault(users, users.c.id, users.c.id, users.c.totp_secret),
    _vault(setups, setups.c.login_id, setups.c.user_id, setups.c.secret),
)


def setup_dropped(login_id: UUID) -> Change:
    """Delete a login's unconfirmed secret."""
    return Change(_DROP, {"for_login": login_id})


def setups_dropped(user_id: UUID) -> Change:
    """Delete a user's unconfirmed secrets."""
    return Change(_DROP_OF_USER, {"for_user": user_id})


def all_setups_dropped() -> Change:
    """Delete all users' unconfirmed secrets."""
    return Change(_DROP_ALL)


class SetupRepository:
    """Reads and stores unconfirmed secrets, and replaces the ciphertexts of all secrets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, login_id: UUID, now: datetime) -> StoredSetup | None:
        """Return a login's unconfirmed secret, if it has not expired."""
        row = await self._database.first(_FIND, for_login=login_id, **_at(now))
        return SETUP.read(row) if row is not None else None

    @staticmethod
    def begun(claim: Claim, sealed: str, *, replaces: str, ends: datetime) -> Change:
        """Store a secret for a login unless it has one already; *replaces* is the ciphertext of one to discard."""
        owner = {"for_login": claim.login_id, "for_user": claim.user_id}
        return Change(_BEGIN, {**owner, "sealed": sealed, "replaces": replaces, "until": ends, **_at(claim.now)})

    async def drop(self, login_id: UUID) -> None:
        """Delete a login's unconfirmed secret."""
        await self._database.write(setup_dropped(login_id))

    async def list_seals(self) -> list[tuple[str, int]]:
        """Return (prefix, number of secrets) for each ciphertext prefix, which identifies the key."""
        rows: Sequence[Any] = await self._database.rows(_SEALS)
        return [(seal, number) for seal, number in rows]

    async def list_sealed(self) -> list[str]:
        """Return at most 20 ciphertexts of confirmed secrets."""
        return [row.totp_secret for row in await self._database.rows(_SEALED)]

    async def count_sealed(self) -> int:
        """Return how many encrypted secrets there are, confirmed or not."""
        rows = [await self._database.first(vault.count) for vault in VAULTS]
        return sum(row[0] for row in rows if row is not None)

    async def window_of(self, vault: Vault, after: UUID) -> list[Sealed]:
        """Return the next ``BATCH`` secrets after this key, in the order of keys."""
        return [vault.shape.read(row) for row in await self._database.rows(vault.window, after=after)]

    async def replace(self, vault: Vault, texts: Mapping[UUID, tuple[str, str]]) -> int:
        """Replace the ciphertexts (old, new) of at most ``BATCH`` keys; return how many were still unchanged."""
        nobody = (None, (None, None))
        places = [*texts.items(), *[nobody] * (BATCH - len(texts))]
        parameters: dict[str, object] = {}
        for i, (key, (read, new)) in enumerate(places):
            parameters |= {f"key_{i}": key, f"read_{i}": read, f"new_{i}": new}
        return len(await self._database.rows(vault.replace, **parameters))


def _at(now: datetime) -> dict[str, datetime]:
    return {"moment": now, "latest_end": max_expiry(ENROLLMENT_LIFE, now)}
