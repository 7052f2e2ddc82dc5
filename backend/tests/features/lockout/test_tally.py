"""Compares the SQL rules, which allow a charge, with the Python rules, which explain a refusal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Table, Uuid, bindparam, insert, select

from focys.domain.lockout import (
    GUARDED_AFTER,
    LOCKS,
    MEMORY,
    STRONG_WINDOW,
    Failures,
    Open,
    Strength,
    lock_state,
    obstacle,
)
from focys.features.accounts import users
from focys.features.browsers import browsers
from focys.features.lockout import (
    bucket_parameters,
    second_factor_failures,
    strength_parameters,
    tally,
)
from focys.features.lockout.repository import surplus_forgotten
from tests.support.clock import NOON
from tests.support.service import World

HERE, THERE = "192.0.2.1", "198.51.100.7"
INSTANT, HOUR = timedelta(microseconds=1), timedelta(hours=1)
EDGES = [
    sign * (length + step * INSTANT)
    for length in (*LOCKS.values(), STRONG_WINDOW, MEMORY)
    for sign in (1, -1)
    for step in (-1, 0, 1)
]
"""Ages at which something changes, to the microsecond; if the clock ran ahead, an age is negative."""


@dataclass(frozen=True)
class Row:
    """A failure in the ledger; no browser means a stranger."""

    at: datetime
    browser: UUID | None
    strong: bool = False
    network: str | None = None


@dataclass(frozen=True)
class Ledger:
    """An account's failures, and the caller who is about to try."""

    rows: list[Row]
    browser: UUID | None
    password_changed_at: datetime | None

    def failures(self, now: datetime) -> Failures:
        """Their summary, as ``Failures`` defines it."""
        rows = [row for row in self.rows if row.browser == self.browser and row.at > now - MEMORY]
        new = [row for row in rows if self.password_changed_at is None or row.at > self.password_changed_at]
        strong = [row for row in new if row.strong and now - STRONG_WINDOW < row.at <= now + STRONG_WINDOW]
        return Failures(
            counted=sorted(row.at for row in rows if not row.strong),
            strong=sorted(row.at for row in strong),
            strong_here=sorted(row.at for row in strong if row.network == HERE),
            total=len(new),
        )


def any_ledger(random: Random, known: list[UUID]) -> Ledger:
    """Every number of counted failures near the locks, with few, just enough or too many strong ones."""

    def moment() -> datetime:
        spread = timedelta(seconds=random.uniform(-2 * 3600, random.choice([3600, 24 * 3600, 400 * 24 * 3600])))
        return NOON - random.choice([spread, random.choice(EDGES), timedelta(0), random.uniform(0, 1) * HOUR])

    def strong(number: int, network: str) -> list[Row]:
        browser = random.choice(buckets)
        return [
            Row(NOON - random.uniform(0, 1.05) * HOUR, browser, strong=True, network=network) for _ in range(number)
        ]

    buckets = [None, known[0], known[0]]
    counted = [Row(moment(), random.choice(buckets), network=HERE) for _ in range(random.randint(0, 34))]
    here, there = strong(random.choice([0, 3, 9, 10, 11]), HERE), strong(random.choice([0, 0, 30, 58, 66]), THERE)
    old = [
        Row(moment(), random.choice(buckets), strong=True, network=THERE) for _ in range(random.choice([0, 80, 130]))
    ]
    rows = [*counted, *here, *there, *old]
    changes = [None, None, NOON - 2 * HOUR, moment(), *(row.at for row in rows[:1])]
    return Ledger(rows, random.choice([None, known[0], known[1]]), random.choice(changes))


def exactly(counted: int, age: timedelta, strong: int = 0, network: str = HERE) -> Ledger:
    """This many failures of strangers, this long ago; with strong ones, the others are a day old."""
    at = NOON - age if not strong else NOON - timedelta(days=1)
    rows = [Row(at, None)] * counted + [Row(NOON - age, None, strong=True, network=network)] * strong
    return Ledger(rows, None, None)


@pytest.fixture
async def known(world: World) -> list[UUID]:
    """Two known browsers, of any account."""
    account = await world.an_account("carol@student.com")
    times = dict.fromkeys(("created_at", "last_seen_at"), NOON)
    ids = [uuid4(), uuid4()]
    rows = [{"id": i, "user_id": account.id, "token_hash": i.bytes * 2, "epoch": 0, **times} for i in ids]
    await inserted(world, browsers, rows)
    return ids


async def inserted(world: World, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert many rows at once."""
    async with world.services.database.engine.connect() as connection:
        await connection.exec_driver_sql("BEGIN")
        await connection.execute(insert(table), rows)
        await connection.exec_driver_sql("COMMIT")


async def stored(world: World, ledgers: list[Ledger]) -> list[UUID]:
    """Create an account for each ledger, and return the accounts."""
    accounts = [uuid4() for _ in ledgers]
    person = {"password_hash": "", "display_name": "", "created_at": NOON, "updated_at": NOON}
    people = [
        {"id": account, "email": f"{account}@student.com", "password_changed_at": ledger.password_changed_at, **person}
        for account, ledger in zip(accounts, ledgers, strict=True)
    ]
    rows = [
        {"id": uuid4(), "user_id": account, "browser_id": row.browser, "at": row.at}
        | {"strong": row.strong, "network": row.network}
        for account, ledger in zip(accounts, ledgers, strict=True)
        for row in ledger.rows
    ]
    await inserted(world, users, people)
    await inserted(world, second_factor_failures, rows)
    return accounts


PERSON = (
    select(
        users.c.id.label("user_id"),
        users.c.password_changed_at,
        bindparam("the_browser", type_=Uuid).label("browser_id"),
    )
    .where(users.c.id == bindparam("for_user"))
    .cte("person")
)
TALLY = select(tally(PERSON))


async def said_of(world: World, ledgers: list[Ledger]) -> set[str]:
    """Ask both about every ledger and every kind of proof, compare, and return the answers."""
    said = set[str]()
    for account, ledger in zip(await stored(world, ledgers), ledgers, strict=True):
        failures = ledger.failures(NOON)
        is_open = isinstance(lock_state(failures, NOON), Open)
        for strength in Strength:
            parameters = {**bucket_parameters(HERE, NOON), **strength_parameters(strength)}
            row = await world.services.database.first(TALLY, for_user=account, the_browser=ledger.browser, **parameters)
            assert row is not None
            expected = obstacle(failures, strength, NOON)
            counted, strong, strong_here = (sorted(times or ()) for times in row[:3])
            assert Failures(counted, strong, strong_here, row.total) == failures, ledger
            assert (row.charged_as_strong, row.takes_proof) == (not is_open, expected is None), (ledger, strength)
            said.add(f"{strength.name}: {type(expected).__name__}")
    return said


async def test_sql_allows_a_charge_exactly_where_python_finds_no_obstacle(world: World, known: list[UUID]):
    """LOCK-02: on any ledger, with clocks that ran ahead and passwords that were changed."""
    random = Random(1)

    said = await said_of(world, [any_ledger(random, known) for _ in range(250)])

    assert said == {
        *("WEAK: NoneType", "WEAK: Locked", "WEAK: Guarded"),
        *("STRONG: NoneType", "STRONG: Locked", "STRONG: Disabled"),
        *("UNGUESSABLE: NoneType", "UNGUESSABLE: Locked"),
    }


async def test_sql_and_python_agree_on_every_locks_boundaries(world: World):
    """LOCK-03, LOCK-05: at five, ten and fifteen failures, one fewer and one more."""
    counts = sorted({number + step for number in (*LOCKS, GUARDED_AFTER) for step in (-1, 0, 1)})

    said = await said_of(world, [exactly(count, age) for count in counts for age in (*EDGES, timedelta(0))])

    assert said >= {"WEAK: NoneType", "WEAK: Locked", "WEAK: Guarded"}


async def test_sql_and_python_agree_on_the_limits_of_strong_proofs(world: World):
    """LOCK-06: the tenth from a network, the sixtieth from all, and the hundredth of the account."""
    tenth = [exactly(15, age, 10 + step) for age in (*EDGES, timedelta(0)) for step in (-1, 0)]
    sixtieth = [exactly(15, age, 60 + step, THERE) for age in (*EDGES, timedelta(0)) for step in (-1, 0)]
    hundredth = [exactly(15, 2 * HOUR, 85 + step, THERE) for step in (-1, 0, 1)]

    said = await said_of(world, [*tenth, *sixtieth, *hundredth])

    assert said == {
        *("WEAK: Guarded", "STRONG: NoneType", "STRONG: Locked", "STRONG: Disabled"),
        *("UNGUESSABLE: NoneType", "UNGUESSABLE: Locked"),
    }


async def test_deleting_surplus_failures_changes_no_decision(world: World, known: list[UUID]):
    """LOCK-06: a year of wrong backup codes leaves a bounded number of rows."""
    random = Random(2)

    def attacked(browser: UUID | None, a_day: int) -> Ledger:
        ages = [timedelta(days=days + random.uniform(0, 1)) for days in range(20) for _ in range(a_day)]
        strong = [Row(NOON - age, browser, strong=True, network=THERE) for age in ages]
        return Ledger([*strong, *([Row(NOON - timedelta(days=30), browser)] * 15)], browser, None)

    ledgers = [
        attacked(None, 100),
        attacked(known[0], 100),
        attacked(None, 3),
        *(any_ledger(random, known) for _ in range(20)),
    ]
    accounts = await stored(world, ledgers)

    await world.services.database.write(surplus_forgotten(NOON))

    sizes = []
    for account, ledger in zip(accounts, ledgers, strict=True):
        left = await world.services.database.rows(
            select(
                second_factor_failures.c.at,
                second_factor_failures.c.browser_id,
                second_factor_failures.c.strong,
                second_factor_failures.c.network,
            ).where(second_factor_failures.c.user_id == bindparam("whose")),
            whose=account,
        )
        after = Ledger(
            [Row(row.at, row.browser_id, row.strong, row.network) for row in left],
            ledger.browser,
            ledger.password_changed_at,
        )
        sizes.append(len(left))
        for strength in Strength:
            before = obstacle(ledger.failures(NOON), strength, NOON)
            assert obstacle(after.failures(NOON), strength, NOON) == before
    assert sizes[:3] == [200 + 15, 200 + 15, 60 + 15]
    assert sizes[3:] == [len(ledger.rows) for ledger in ledgers[3:]]
