"""The SQL of pending enrolments, at most one per user, and of the re-encryption of stored secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Row, Select, Table, Update, and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from focys.features.accounts import users
from focys.features.totp.models import totp_enrolments as enrolments
from focys.infra.database import Change, Database
from focys.infra.lifetime import lasts, latest_end

ENROLMENT_LIFE = timedelta(minutes=15)

_FIND = select(enrolments).where(enrolments.c.user_id == bindparam("for_user"), lasts(enrolments.c.expires_at))
_SEALED = select(users.c.totp_secret).where(users.c.totp_secret.is_not(None)).limit(20)
# A sealed text begins with "v1." and eight digits of the key's id.
_seal = func.substr(users.c.totp_secret, 1, 12).label("seal")
_SEALS = select(_seal, func.count()).where(users.c.totp_secret.is_not(None)).group_by(_seal)
_insert = insert(enrolments)
# Two tabs that begin at once end with one secret: the later row only takes the place of one that is over, or replaced.
_BEGIN = _insert.values(
    user_id=bindparam("for_user"),
    secret=bindparam("sealed"),
    created_at=bindparam("moment"),
    expires_at=bindparam("until"),
).on_conflict_do_update(
    index_elements=[enrolments.c.user_id],
    set_={
        "secret": _insert.excluded.secret,
        "created_at": _insert.excluded.created_at,
        "expires_at": _insert.excluded.expires_at,
    },
    where=~lasts(enrolments.c.expires_at) | (enrolments.c.secret == bindparam("replaces")),
)
_DROP = delete(enrolments).where(enrolments.c.user_id == bindparam("for_user"))
_DROP_ALL = delete(enrolments)

BATCH = 100
"""How many rows are re-encrypted at a time; a sign-in waits for them no longer than for one statement."""


@dataclass(frozen=True, slots=True)
class Vault:
    """A table that holds one encrypted secret per user."""

    count: Select[Any]
    window: Select[Any]
    replace: Update


def _vault(table: Table, owner: Column[Any], secret: Column[Any]) -> Vault:
    is_the_one = [owner == bindparam(f"owner_{i}") for i in range(BATCH)]
    is_as_read = [and_(is_it, secret == bindparam(f"read_{i}")) for i, is_it in enumerate(is_the_one)]
    anew = case(*((is_it, bindparam(f"anew_{i}")) for i, is_it in enumerate(is_the_one)), else_=secret)
    return Vault(
        count=select(func.count(secret)),
        window=select(owner.label("owner"), secret.label("sealed"))
        .where(secret.is_not(None), owner > bindparam("after"))
        .order_by(owner)
        .limit(BATCH),
        replace=update(table).where(or_(*is_as_read)).values({secret: anew}).returning(owner.label("owner")),
    )


VAULTS = (_vault(users, users.c.id, users.c.totp_secret), _vault(enrolments, enrolments.c.user_id, enrolments.c.secret))


def enrolment_dropped(user_id: UUID) -> Change:
    """Drop a pending enrolment."""
    return Change(_DROP, {"for_user": user_id})


def all_enrolments_dropped() -> Change:
    """Drop everybody's pending enrolments."""
    return Change(_DROP_ALL)


def enrolment_begun(user_id: UUID, sealed: str, *, replaces: str, now: datetime) -> Change:
    """Store a pending secret, unless another one got there first; ``replaces`` is the one to be thrown away."""
    values = {"for_user": user_id, "sealed": sealed, "replaces": replaces, "until": now + ENROLMENT_LIFE}
    return Change(_BEGIN, {**values, **_at(now)})


def _at(now: datetime) -> dict[str, datetime]:
    return {"moment": now, "latest_end": latest_end(ENROLMENT_LIFE, now)}


class EnrolmentRepository:
    """Finds enrolments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: UUID, now: datetime) -> Row[Any] | None:
        """Return the pending enrolment, if it is not over."""
        return await self._database.first(_FIND, for_user=user_id, **_at(now))

    async def drop(self, user_id: UUID) -> None:
        """Drop a pending enrolment."""
        await self._database.write(enrolment_dropped(user_id))

    async def list_seals(self) -> list[tuple[str, int]]:
        """Return how each stored secret begins, which names its key, with the number of secrets that do."""
        rows: Sequence[Any] = await self._database.rows(_SEALS)
        return [(seal, number) for seal, number in rows]

    async def list_sealed(self) -> list[str]:
        """Return some stored secrets, as they are sealed."""
        return [row.totp_secret for row in await self._database.rows(_SEALED)]

    async def count_sealed(self) -> int:
        """Return how many sealed secrets there are."""
        rows = [await self._database.first(vault.count) for vault in VAULTS]
        return sum(row[0] for row in rows if row is not None)

    async def window_of(self, vault: Vault, after: UUID) -> Sequence[Row[Any]]:
        """Return the next rows (owner, sealed) of a vault, by owner."""
        return await self._database.rows(vault.window, after=after)

    async def replace(self, vault: Vault, texts: Mapping[UUID, tuple[str, str]]) -> int:
        """Replace the ciphertexts (old, new) of at most ``BATCH`` owners; return how many were still unchanged."""
        nobody = (None, (None, None))
        places = [*texts.items(), *[nobody] * (BATCH - len(texts))]
        parameters: dict[str, object] = {}
        for i, (owner, (read, anew)) in enumerate(places):
            parameters |= {f"owner_{i}": owner, f"read_{i}": read, f"anew_{i}": anew}
        return len(await self._database.rows(vault.replace, **parameters))
