"""A query with a charge: read and charged in one step, and never more often than the facts allow."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypedDict
from uuid import UUID, uuid4

import pytest
from sqlalchemy import bindparam, select

from focys.features.accounts import users
from focys.features.browsers import browsers
from focys.features.email_code import email_code_failures
from focys.infra.db.charging import Charge, as_one_statement, require
from focys.infra.db.database import Change, Database
from tests.conftest import settings_for
from tests.support.clock import NOON
from tests.support.rows import is_sqlite
from tests.support.statements import statements_of

MOST = 3
FACTS = (
    select(
        users.c.id.label("user_id"),
        users.c.charge_seq,
        browsers.c.id.label("browser_id"),
        (users.c.charge_seq < MOST).label("may_charge"),
    )
    .select_from(users.join(browsers, browsers.c.user_id == users.c.id))
    .where(users.c.email == bindparam("address"))
)
CHARGE = Charge(
    FACTS,
    users.c.charge_seq,
    {email_code_failures: {"id": "charge_id", "user_id": "user_id", "at": "moment"}},
    {browsers.c.epoch: "browser_id"},
)


class Parameters(TypedDict):
    address: str
    charge_id: UUID
    moment: object


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with one person, who has one browser."""
    opened = Database(settings_for(database_url).database)
    user_id, now = uuid4(), {"created_at": NOON}
    person = {"id": user_id, "email": "a@b.test", "password_hash": "x", "display_name": "A"}
    browser = {"id": uuid4(), "user_id": user_id, "token_hash": b"x" * 32, "epoch": 0, "last_seen_at": NOON}
    await opened.write(Change(users, {**person, **now, "updated_at": NOON}), Change(browsers, {**browser, **now}))
    yield opened
    await opened.close()


async def charge(database: Database, address: str = "a@b.test") -> tuple[Any, bool] | None:
    return await database.charge(CHARGE, {"address": address, "charge_id": uuid4(), "moment": NOON})


async def written(database: Database) -> tuple[int, int, int]:
    """The counter of charges, the rows, and the other counter."""
    [user] = await database.rows(select(users.c.charge_seq))
    [browser] = await database.rows(select(browsers.c.epoch))
    return user.charge_seq, len(await database.rows(select(email_code_failures))), browser.epoch


async def test_a_charge_returns_the_facts_before_it(database: Database):
    found = await charge(database)

    assert found is not None
    assert (found[0].charge_seq, found[1]) == (0, True)
    assert await written(database) == (1, 1, 1)


async def test_a_refused_charge_writes_nothing_and_returns_the_facts(database: Database):
    for _ in range(MOST):
        await charge(database)

    found = await charge(database)

    assert found is not None
    assert (found[0].charge_seq, bool(found[0].may_charge), found[1]) == (MOST, False, False)
    assert await written(database) == (MOST, MOST, MOST)


async def test_without_a_row_nothing_is_charged(database: Database):
    assert await charge(database, "nobody@b.test") is None
    assert await written(database) == (0, 0, 0)


async def test_parallel_charges_never_exceed_what_the_facts_allow(database: Database):
    """LOCK-02: each returns the facts that it was charged against."""
    charged: list[int] = []

    async def insist() -> None:
        while True:
            found = await charge(database)
            assert found is not None
            if found[1]:
                charged.append(found[0].charge_seq)
            if found[1] or not found[0].may_charge:
                return

    await asyncio.gather(*(insist() for _ in range(40)))

    assert sorted(charged) == list(range(MOST))
    assert await written(database) == (MOST, MOST, MOST)


async def test_a_failed_charge_writes_nothing(database: Database):
    """AVL-05: the row is refused, so the counters stay."""
    taken = uuid4()
    parameters = {"address": "a@b.test", "charge_id": taken, "moment": NOON}
    await database.charge(CHARGE, parameters)

    with pytest.raises(Exception, match=r"(?i)unique"):
        await database.charge(CHARGE, parameters)

    assert await written(database) == (1, 1, 1)


async def test_a_charge_on_postgresql_is_one_statement_and_on_sqlite_one_transaction(database: Database):
    with statements_of(database) as sent:
        await charge(database)

    if is_sqlite(database):
        assert (sent[0], sent[-1], len(sent)) == ("BEGIN IMMEDIATE", "COMMIT", 6)
    else:
        assert len(sent) == 1


def test_a_missing_parameter_is_found_when_the_service_is_built():
    require(as_one_statement(CHARGE), Parameters)

    with pytest.raises(TypeError, match="Parameters lacks adress"):
        require(select(users.c.id).where(users.c.email == bindparam("adress")), Parameters)


async def test_conditional_rows_are_written_only_if_the_fact_holds(database: Database):
    """The counters go up all the same."""
    depending = Charge(
        FACTS.add_columns((users.c.charge_seq < 1).label("is_first")),
        CHARGE.version,
        CHARGE.rows,
        CHARGE.raised,
        rows_if="is_first",
    )
    parameters = {"address": "a@b.test", "moment": NOON}

    charged = [await database.charge(depending, {**parameters, "charge_id": uuid4()}) for _ in range(2)]

    assert all(found is not None and found[1] for found in charged)
    assert await written(database) == (2, 1, 2)
