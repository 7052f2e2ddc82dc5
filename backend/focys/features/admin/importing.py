"""Creates many accounts at once, each with a random first password."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from focys.features.accounts import AccountError, Accounts, NewAccount
from focys.features.admin.csv_rows import Problem, Row, read_rows
from focys.features.admin.notices import CREATED
from focys.features.passwords import Passwords
from focys.infra.db.database import Change
from focys.infra.web.caller import Caller

_MORE_THAN_THREADS = 1
"""While one account is written to the database, no thread should be without a password to hash. The queue for hashing
always has room for one more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do: rows to create, rows whose account exists, and problems."""

    new: list[Row]
    existing: list[Row]
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class Import:
    """How to import rows.

    Attributes:
        first_passwords: the first password of each address, already kept for the operator.
        sign_in_url: what to send to each person by email, or None to send nothing.
        advance: called after each row.
    """

    first_passwords: Mapping[str, str]
    sign_in_url: str | None
    advance: Callable[[], None]


class Importer:
    """Creates accounts for an operator. The caller has authorized them."""

    def __init__(self, accounts: Accounts, passwords: Passwords, *, threads: int) -> None:
        self._accounts, self._passwords = accounts, passwords
        self._tasks = threads + _MORE_THAN_THREADS

    async def plan(self, text: str) -> Plan:
        """Return what importing this CSV text would do. Accounts that exist stay as they are."""
        rows, problems = read_rows(text)
        existing = {*await self._accounts.list_addresses()}
        return Plan(
            [row for row in rows if row.email not in existing],
            [row for row in rows if row.email in existing],
            problems,
        )

    async def create(self, rows: Sequence[Row], how: Import, caller: Caller) -> list[str]:
        """Create the accounts, several at a time; return the addresses of those that someone else created meanwhile.

        Each is committed by itself, so an import that was interrupted can be repeated.
        """
        waiting = iter(rows)
        skipped = await asyncio.gather(*(self._create_each(waiting, how, caller) for _ in range(self._tasks)))
        return sorted(address for each in skipped for address in each)

    async def _create_each(self, rows: Iterator[Row], how: Import, caller: Caller) -> list[str]:
        skipped = []
        for row in rows:
            hashed = await self._passwords.hash_generated(how.first_passwords[row.email])
            new = NewAccount(row.email, hashed, row.name, row.role)
            mail = partial(_welcome, how.sign_in_url) if how.sign_in_url else None
            try:
                await self._accounts.create_new(new, caller, mail)
            except AccountError:
                skipped.append(row.email)
            how.advance()
        return skipped


def _welcome(sign_in_url: str, user_id: UUID, now: datetime) -> Change:
    return CREATED.queue(user_id, {"url": sign_in_url}, now)
