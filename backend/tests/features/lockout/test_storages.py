"""Counters of limits: the same contract in memory, in both databases and in a real Valkey, and what a lost Valkey does."""

import gc
from asyncio import gather
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from time import monotonic, time
from typing import Any

import pytest
from limits import RateLimitItem, RateLimitItemPerMinute
from sqlalchemy import select

from focys.features.lockout import (
    ACCOUNTS_TRIED,
    PASSWORD_FAILURES,
    Limits,
    PasswordLedger,
    PasswordLimit,
    account_limits,
    source_limits,
    throttles,
)
from focys.features.lockout.storage import DatabaseStorage, InMemory, RedisWithFallback
from focys.infra.database import Database
from tests.conftest import settings_for, world_on
from tests.support.clock import FrozenClock
from tests.support.valkey import ValkeyServer, running_valkey

THREE = RateLimitItemPerMinute(3, 1, namespace="test-three")
WINDOW = 60
WHO = "203.0.113.7"
AT_MOST_SECONDS = 2
"""An answer that takes longer has waited for somebody who does not come."""


@dataclass
class Counted:
    """A storage, the way to let a counter's window end, and the database where there is anything to write."""

    storage: Any
    let_pass: Callable[[], Awaitable[None]]
    database: Database


@pytest.fixture(scope="module")
def shared_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey(shared_valkey: ValkeyServer) -> Iterator[ValkeyServer]:
    """The server, empty, and running again whatever a test has done to it."""
    assert shared_valkey.ask("FLUSHALL").startswith("+OK")
    yield shared_valkey
    shared_valkey.stop()
    shared_valkey.start()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(settings_for(database_url).database)
    yield database
    await database.close()


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(settings_for(sqlite_url).database)
    yield database
    await database.close()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(params=["memory", "sqlite", "postgresql", "valkey"])
def kind(request: pytest.FixtureRequest) -> tuple[str, str]:
    """What counts, and the address of the database that does, or is behind it."""
    url = request.getfixturevalue("postgres_url" if request.param == "postgresql" else "sqlite_url")
    return request.param, url


@pytest.fixture
async def counted(
    kind: tuple[str, str], shared_valkey: ValkeyServer, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Counted]:
    """Each storage that RATE_LIMIT_STORAGE can name."""
    name, url = kind
    database = Database(settings_for(url).database)
    in_database = DatabaseStorage(database, clock)

    async def move_on() -> None:
        clock.advance(seconds=WINDOW + 1)

    async def expire() -> None:
        # The server's clock cannot be moved, but the end of each window can.
        for key in keys_in(shared_valkey):
            assert shared_valkey.ask(f"PEXPIREAT {key} 1").startswith(":1")

    if name == "memory":
        monkeypatch.setattr("limits.aio.storage.memory.time.time", lambda: clock.now().timestamp())
        yield Counted(InMemory(), move_on, database)
    elif name == "valkey":
        shared_valkey.ask("FLUSHALL")
        storage = RedisWithFallback(shared_valkey.url, in_database)
        yield Counted(storage, expire, database)
        await storage.close()
    else:
        yield Counted(in_database, move_on, database)
    await database.close()


def keys_in(server: ValkeyServer) -> list[str]:
    return [line for line in server.ask("KEYS *").split("\r\n") if line and line[0] not in "*$"]


async def rows_in(database: Database) -> dict[str, int]:
    """The counters kept in the database."""
    return {row.key: row.hits for row in await database.rows(select(throttles.c.key, throttles.c.hits))}


async def test_a_counter_counts_from_one_where_it_is_to_be_counted(counted: Counted):
    hits = [await counted.storage.incr("a", WINDOW) for _ in range(3)]

    assert hits == [1, 2, 3]
    assert await counted.storage.get("a") == 3
    in_database = {"a": 3} if isinstance(counted.storage, DatabaseStorage) else {}
    assert await rows_in(counted.database) == in_database


async def test_counters_do_not_touch_each_other(counted: Counted):
    await counted.storage.incr("a", WINDOW, 2)
    await counted.storage.incr("b", WINDOW, 5)

    assert [await counted.storage.get(key) for key in ("a", "b", "c")] == [2, 5, 0]


async def test_what_is_given_back_does_not_count(counted: Counted):
    await counted.storage.incr("a", WINDOW, 3)

    await counted.storage.decr("a")

    assert await counted.storage.get("a") == 2
    assert await counted.storage.incr("a", WINDOW) == 3


async def test_a_counter_begins_anew_after_its_window(counted: Counted):
    await counted.storage.incr("a", WINDOW, 3)

    await counted.let_pass()

    assert await counted.storage.get("a") == 0
    assert await counted.storage.incr("a", WINDOW) == 1


async def test_a_cleared_counter_is_empty_and_others_are_not(counted: Counted):
    await counted.storage.incr("a", WINDOW, 3)
    await counted.storage.incr("b", WINDOW, 3)

    await counted.storage.clear("a")

    assert (await counted.storage.get("a"), await counted.storage.get("b")) == (0, 3)


async def test_a_limit_holds_and_says_when_it_opens_again(counted: Counted, clock: FrozenClock):
    limits = Limits(counted.storage, clock)

    answers = [await limits.charge(THREE, WHO) for _ in range(4)]
    expiry = await counted.storage.get_expiry(THREE.key_for(WHO))

    assert answers[:3] == [None] * 3
    assert answers[3] is not None
    assert expiry > 0
    assert await limits.is_used_up(THREE, WHO) is not None
    assert await limits.is_used_up(THREE, "198.51.100.9") is None


async def test_a_refund_makes_room_for_one(counted: Counted, clock: FrozenClock):
    limits = Limits(counted.storage, clock)
    for _ in range(3):
        await limits.charge(THREE, WHO)

    await counted.database.write(*await limits.give_back(THREE, WHO, now=clock.now()))

    assert await limits.charge(THREE, WHO) is None
    assert await limits.charge(THREE, WHO) is not None


@pytest.mark.parametrize("begun_anew", [False, True], ids=["no window", "another window"])
async def test_what_comes_back_after_its_window_makes_no_room(counted: Counted, clock: FrozenClock, begun_anew: bool):  # noqa: FBT001
    limits = Limits(counted.storage, clock)
    await limits.charge(THREE, WHO)
    await counted.let_pass()
    if begun_anew:
        await limits.charge(THREE, WHO)

    for _ in range(3):
        await counted.database.write(*await limits.give_back(THREE, WHO, now=clock.now()))

    assert await counted.storage.get(THREE.key_for(WHO)) == 0
    assert [await limits.charge(THREE, WHO) is None for _ in range(4)] == [True, True, True, False]


async def test_what_is_given_back_to_nobody_begins_no_window(counted: Counted, clock: FrozenClock):
    limits = Limits(counted.storage, clock)

    await counted.database.write(*await limits.give_back(THREE, WHO, now=clock.now()))

    assert await rows_in(counted.database) == {}
    assert await counted.storage.get(THREE.key_for(WHO)) == 0
    assert await counted.storage.get_expiry(THREE.key_for(WHO)) <= max(clock.now().timestamp(), time())


async def test_given_back_side_by_side_a_counter_stops_at_nothing(counted: Counted, clock: FrozenClock):
    limits = Limits(counted.storage, clock)
    await limits.charge(THREE, WHO)

    async def give_back() -> None:
        await counted.database.write(*await limits.give_back(THREE, WHO, now=clock.now()))

    # Each has a connection of its own, so that all look before the first of them has taken one.
    await gather(*(counted.storage.get("other") for _ in range(8)))
    await gather(*(give_back() for _ in range(8)))

    assert await counted.storage.get(THREE.key_for(WHO)) == 0
    assert await limits.charge(THREE, WHO) is None
    assert await counted.storage.get(THREE.key_for(WHO)) == 1


@pytest.mark.parametrize("full", [PASSWORD_FAILURES, ACCOUNTS_TRIED], ids=["passwords", "accounts"])
async def test_a_try_that_is_refused_is_charged_to_nobody(counted: Counted, clock: FrozenClock, full: RateLimitItem):
    """LOCK-10: neither to the network nor to the account, whichever limit has refused it."""
    limits = Limits(counted.storage, clock)
    ledger = PasswordLedger(counted.database, limits)
    other = ACCOUNTS_TRIED if full is PASSWORD_FAILURES else PASSWORD_FAILURES
    await counted.storage.incr(full.key_for(WHO), full.get_expiry(), full.amount)
    await counted.storage.incr(other.key_for(WHO), other.get_expiry(), 7)

    charges = [await ledger.charge(PasswordLimit("password:a", 0, 0, None), WHO, clock.now()) for _ in range(3)]

    assert all(charge.retry_after and not charge.is_counted and charge.source is None for charge in charges)
    assert [await counted.storage.get(limit.key_for(WHO)) for limit in (full, other)] == [full.amount, 7]
    assert (await rows_in(counted.database)).get("password:a", 0) == 0


async def test_tries_at_once_are_counted_up_to_the_limit_and_no_further(counted: Counted, clock: FrozenClock):
    """LOCK-10."""
    ledger = PasswordLedger(counted.database, Limits(counted.storage, clock))
    key, most = PASSWORD_FAILURES.key_for(WHO), PASSWORD_FAILURES.amount
    await counted.storage.incr(key, PASSWORD_FAILURES.get_expiry(), most - 3)

    charges = await gather(
        *(ledger.charge(PasswordLimit(f"password:{i}", 0, 0, None), WHO, clock.now()) for i in range(8))
    )

    assert [charge.source for charge in charges].count(WHO) == 3
    assert await counted.storage.get(key) == most


async def test_a_member_is_counted_once(counted: Counted, clock: FrozenClock):
    limits = Limits(counted.storage, clock)

    for member in ("alice", "bob", "alice", "alice", "bob"):
        await limits.charge_once(THREE, member, WHO)

    assert await counted.storage.get(THREE.key_for(WHO)) == 2


@pytest.mark.parametrize("trouble", ["stopped", "paused"])
async def test_without_valkey_the_database_counts(
    valkey: ValkeyServer, database: Database, clock: FrozenClock, trouble: str
):
    """AVL-02: over two workers, exactly, in time, and without an exception."""
    workers = [source_limits(valkey.url, database, clock) for _ in range(2)]
    assert await workers[0].charge(THREE, WHO) is None
    assert await rows_in(database) == {}
    valkey.stop() if trouble == "stopped" else valkey.pause()

    begun = monotonic()
    answers = [await worker.charge(THREE, WHO) for _ in range(2) for worker in workers]
    took = monotonic() - begun

    assert [answer is None for answer in answers] == [True, True, True, False]
    assert await rows_in(database) == {THREE.key_for(WHO): 4}
    assert took < AT_MOST_SECONDS
    for worker in workers:
        assert await worker.give_back(THREE, WHO, now=clock.now()) == []
    assert await workers[1].is_used_up(THREE, WHO) is None
    for worker in workers:
        await worker.close()


async def test_valkey_is_left_alone_for_a_while_and_then_used_again(
    valkey: ValkeyServer, sqlite: Database, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
):
    """AVL-02: a slow Valkey costs one wait, not one per request."""
    seconds = [0.0]
    monkeypatch.setattr("focys.features.lockout.storage.monotonic", lambda: seconds[0])
    limits = source_limits(valkey.url, sqlite, clock)
    storage = limits._storage

    valkey.pause()
    await limits.charge(THREE, WHO)
    valkey.resume()
    seconds[0] = 4.9
    await limits.charge(THREE, WHO)
    seconds[0] = 5.0
    await limits.charge(THREE, "198.51.100.9")

    assert await rows_in(sqlite) == {THREE.key_for(WHO): 2}
    assert await storage._redis.get(THREE.key_for("198.51.100.9")) == 1
    await limits.close()


async def test_an_emptied_valkey_begins_anew_and_nothing_breaks(
    valkey: ValkeyServer, sqlite: Database, clock: FrozenClock
):
    """AVL-02."""
    limits = source_limits(valkey.url, sqlite, clock)
    for _ in range(4):
        await limits.charge(THREE, WHO)

    valkey.ask("FLUSHALL")
    valkey.ask("SCRIPT FLUSH")

    assert await limits.charge(THREE, WHO) is None
    assert await rows_in(sqlite) == {}
    await limits.close()


@pytest.mark.parametrize("trouble", [None, "stopped", "paused"])
async def test_a_service_that_ends_leaves_no_connection_behind(
    valkey: ValkeyServer, sqlite_url: str, trouble: str | None
):
    """AVL-02: nor does a Valkey that is gone keep it from ending."""
    async with world_on(sqlite_url, rate_limit_storage=valkey.url) as world:
        for i in range(3):
            await world.a_browser().post("/auth/login", {"email": f"{i}@student.com", "password": "wrong"})
        assert "connected_clients:2" in valkey.ask("INFO clients")
        if trouble:
            harm(valkey, trouble)
        begun = monotonic()

    assert monotonic() - begun < AT_MOST_SECONDS
    # What is left open says so when it is thrown away, and a warning is an error.
    gc.collect()
    if trouble is None:
        assert "connected_clients:1" in valkey.ask("INFO clients")


@pytest.mark.parametrize("trouble", ["stopped", "paused", "flushed"])
async def test_limits_of_an_account_do_not_know_valkey(
    valkey: ValkeyServer, database: Database, clock: FrozenClock, trouble: str
):
    """AVL-02."""
    limits = account_limits(database, clock)
    for _ in range(3):
        assert await limits.charge(THREE, "alice") is None

    harm(valkey, trouble)

    assert await limits.charge(THREE, "alice") is not None


@pytest.mark.parametrize("trouble", ["stopped", "paused", "flushed"])
async def test_the_lock_of_an_account_holds_whatever_valkey_does(valkey: ValkeyServer, sqlite_url: str, trouble: str):
    """AVL-02, LOCK-02: five wrong codes lock, with Valkey lost in between; no call answers 500."""
    async with world_on(sqlite_url, rate_limit_storage=valkey.url) as world:
        account = await world.an_account(enrolled=True)
        browser = await world.at_second_factor(account)
        right = {account.code(world.clock, steps) for steps in range(-15, 16)}
        wrong = (f"{number:06}" for number in count() if f"{number:06}" not in right)

        statuses = [(await browser.offer(next(wrong))).status_code for _ in range(3)]
        harm(valkey, trouble)
        statuses += [(await browser.offer(next(wrong))).status_code for _ in range(3)]
        other = await browser.sign_in_with_password(account)

        assert statuses == [401, 401, 401, 401, 429, 429]
        assert other.status_code in {200, 429}


def harm(valkey: ValkeyServer, trouble: str) -> None:
    if trouble == "stopped":
        valkey.stop()
    elif trouble == "paused":
        valkey.pause()
    else:
        valkey.ask("FLUSHALL")
