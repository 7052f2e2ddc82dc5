"""Counters of limits: the same contract in memory, in both databases and in a real Valkey, and what a lost Valkey does."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from time import monotonic
from typing import Any

import pytest
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from sqlalchemy import select

from focys.features.lockout import Limits, account_limits, source_limits, throttles
from focys.features.lockout.storage import DatabaseStorage, RedisWithFallback
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
        yield Counted(MemoryStorage(), move_on, database)
    elif name == "valkey":
        shared_valkey.ask("FLUSHALL")
        storage = RedisWithFallback(shared_valkey.url, in_database)
        yield Counted(storage, expire, database)
        assert await rows_in(database) == {}
        await let_go(storage)
    else:
        yield Counted(in_database, move_on, database)
    await database.close()


def keys_in(server: ValkeyServer) -> list[str]:
    return [line for line in server.ask("KEYS *").split("\r\n") if line and line[0] not in "*$"]


async def rows_in(database: Database) -> dict[str, int]:
    """The counters kept in the database."""
    return {row.key: row.hits for row in await database.rows(select(throttles.c.key, throttles.c.hits))}


async def let_go(storage: RedisWithFallback) -> None:
    bridge: Any = storage._redis.bridge
    await bridge.get_connection().aclose()


async def test_a_counter_counts_from_one(counted: Counted):
    hits = [await counted.storage.incr("a", WINDOW) for _ in range(3)]

    assert hits == [1, 2, 3]
    assert await counted.storage.get("a") == 3


async def test_counters_do_not_touch_each_other(counted: Counted):
    await counted.storage.incr("a", WINDOW, 2)
    await counted.storage.incr("b", WINDOW, 5)

    assert [await counted.storage.get(key) for key in ("a", "b", "c")] == [2, 5, 0]


async def test_what_is_given_back_does_not_count(counted: Counted):
    await counted.storage.incr("a", WINDOW, 3)

    assert await counted.storage.incr("a", WINDOW, -1) == 2
    assert await counted.storage.get("a") == 2


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


async def test_nothing_is_given_back_that_a_new_window_did_not_count(counted: Counted, clock: FrozenClock):
    limits = Limits(counted.storage, clock)
    await limits.charge(THREE, WHO)
    await counted.let_pass()

    for _ in range(3):
        await counted.database.write(*await limits.give_back(THREE, WHO, now=clock.now()))

    assert [await limits.charge(THREE, WHO) is None for _ in range(4)] == [True, True, True, False]


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
        await let_go(worker._storage)


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
    await let_go(storage)


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
    await let_go(limits._storage)


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
        await let_go(world.services.login._needs.source_limits._storage)


def harm(valkey: ValkeyServer, trouble: str) -> None:
    if trouble == "stopped":
        valkey.stop()
    elif trouble == "paused":
        valkey.pause()
    else:
        valkey.ask("FLUSHALL")
