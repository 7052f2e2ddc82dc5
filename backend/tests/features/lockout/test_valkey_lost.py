"""A Valkey that is stopped, frozen or emptied: the database counts instead, in time, and accounts do not notice."""

import gc
from collections.abc import AsyncIterator, Iterator
from itertools import count
from uuid import uuid4

import pytest
from sqlalchemy import select

from focys.domain.networks import NetworkLimit, NetworkLimits
from focys.features.rate_limits import throttles
from focys.features.throttling import NetworkError, PasswordCharge, PasswordLimit, PasswordThrottle, Try
from focys.features.throttling.networks_in_redis import NetworksInRedis
from focys.infra.db.database import Database
from tests.conftest import settings_for, world_on
from tests.support.clock import FrozenClock
from tests.support.valkey import ValkeyServer, keys_in, running_valkey

WHO = "203.0.113.7"
THREE = NetworkLimits(usual=NetworkLimit(failures=3, accounts=20))


@pytest.fixture(scope="module")
def shared_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey(shared_valkey: ValkeyServer) -> Iterator[ValkeyServer]:
    """An empty server, restarted after whatever a test does to it."""
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
async def workers(valkey: ValkeyServer, database: Database) -> AsyncIterator[list[NetworksInRedis]]:
    """Two processes' views of the same counts."""
    found = [NetworksInRedis(valkey.url, database, FrozenClock()) for _ in range(2)]
    yield found
    for worker in found:
        await worker.close()


async def charged(
    database: Database, worker: NetworksInRedis, account: str = "alice", network: str = WHO
) -> PasswordCharge | None:
    """Charge a try as the ledger does; None if the network is full."""
    now = FrozenClock().now()
    ledger = PasswordThrottle(database, worker, THREE)
    bucket = PasswordLimit(f"password:{uuid4().hex}", 0, 0, None)
    charge = await ledger.charge(bucket, Try(network, account, now), now)
    return charge if isinstance(charge, PasswordCharge) else None


async def counted_in(database: Database) -> dict[str, int]:
    """The networks' counts that are kept in the database."""
    query = select(throttles.c.key, throttles.c.hits).where(throttles.c.key.like("source-%"))
    return {row.key: row.hits for row in await database.rows(query)}


def harm(valkey: ValkeyServer, trouble: str) -> None:
    if trouble == "stopped":
        valkey.stop()
    elif trouble == "paused":
        valkey.pause()
    else:
        valkey.ask("FLUSHALL")


@pytest.mark.parametrize("trouble", ["stopped", "paused"])
async def test_without_valkey_the_database_counts(
    valkey: ValkeyServer, database: Database, workers: list[NetworksInRedis], trouble: str
):
    """AVL-02: over two workers, exactly, and without an exception."""
    assert await charged(database, workers[0])
    assert await counted_in(database) == {}
    harm(valkey, trouble)

    responses = [await charged(database, worker) for _ in range(2) for worker in workers]

    assert [response is not None for response in responses] == [True, True, True, False]
    assert await counted_in(database) == {f"source-passwords/{WHO}": 3, f"source-accounts/{WHO}": 3}


async def test_charges_are_settled_where_they_were_counted(
    valkey: ValkeyServer, database: Database, workers: list[NetworksInRedis], monkeypatch: pytest.MonkeyPatch
):
    """AVL-02: no store refunds what it did not count."""
    seconds = [0.0]
    monkeypatch.setattr("focys.features.throttling.networks_in_redis.monotonic", lambda: seconds[0])
    ledger, worker = PasswordThrottle(database, workers[0], THREE), workers[0]
    in_valkey = [await charged(database, worker, account) for account in ("alice", "bob")]
    valkey.stop()
    in_database = [await charged(database, worker, account) for account in ("carol", "dana")]
    valkey.start()
    seconds[0] = 6.0

    for charge in (in_valkey[0], in_database[0]):
        assert charge is not None
        await database.write(*await ledger.forgive(charge))
    for charge in (in_valkey[1], in_database[1]):
        assert charge is not None
        await ledger.keep(charge)

    left = await counted_in(database)
    assert (left[f"source-passwords/{WHO}"], left[f"source-accounts/{WHO}"]) == (1, 1)
    # It has come back empty.
    assert keys_in(valkey) == []


async def test_valkey_is_retried_after_a_while(
    valkey: ValkeyServer, database: Database, workers: list[NetworksInRedis], monkeypatch: pytest.MonkeyPatch
):
    """AVL-02: a slow Valkey costs one wait, not one per request."""
    seconds = [0.0]
    monkeypatch.setattr("focys.features.throttling.networks_in_redis.monotonic", lambda: seconds[0])

    valkey.pause()
    await charged(database, workers[0])
    valkey.resume()
    seconds[0] = 4.9
    await charged(database, workers[0])
    seconds[0] = 5.0
    await charged(database, workers[0], network="198.51.100.9")

    assert (await counted_in(database))[f"source-passwords/{WHO}"] == 2
    assert (await workers[0].usage())["198.51.100.9"].failures.count == 1


async def test_an_emptied_valkey_starts_from_zero(
    valkey: ValkeyServer, database: Database, workers: list[NetworksInRedis]
):
    """AVL-02: even while a try is in flight."""
    charges = [await charged(database, workers[0]) for _ in range(4)]

    valkey.ask("FLUSHALL")
    valkey.ask("SCRIPT FLUSH")

    assert charges[2] is not None
    await workers[0].keep(charges[2].network)  # type: ignore[arg-type]
    await workers[0].give_back(charges[2].network, forgiving=True)  # type: ignore[arg-type]
    assert keys_in(valkey) == []
    assert await charged(database, workers[0])
    assert await counted_in(database) == {}


async def test_every_key_in_valkey_expires_with_its_window(
    valkey: ValkeyServer, database: Database, workers: list[NetworksInRedis]
):
    charge = await charged(database, workers[0])
    assert charge is not None
    await workers[0].keep(charge.network)  # type: ignore[arg-type]

    ends = {key: int(valkey.ask(f"TTL {key}").strip()[1:]) for key in keys_in(valkey)}

    assert sorted(key.split("/")[0] for key in ends) == ["focys:source-accounts", "focys:source-passwords"]
    assert all(0 < end <= 3600 for end in ends.values())


@pytest.mark.parametrize("trouble", ["stopped", "paused"])
async def test_an_operator_is_told_that_valkey_does_not_respond(
    valkey: ValkeyServer, workers: list[NetworksInRedis], trouble: str
):
    harm(valkey, trouble)

    for ask in (workers[0].usage(), workers[0].knows(WHO), workers[1].forget(WHO)):
        with pytest.raises(NetworkError, match="does not respond"):
            await ask


@pytest.mark.parametrize("trouble", [None, "stopped", "paused"])
async def test_a_stopped_service_leaves_no_connection_open(valkey: ValkeyServer, sqlite_url: str, trouble: str | None):
    """AVL-02: and a lost Valkey does not keep it from ending."""
    async with world_on(sqlite_url, rate_limit_storage=valkey.url) as world:
        for i in range(3):
            await world.a_browser().post("/auth/login", {"email": f"{i}@student.com", "password": "wrong"})
        assert "connected_clients:2" in valkey.ask("INFO clients")
        if trouble:
            harm(valkey, trouble)

    # A connection left open warns when it is collected, and a warning is an error.
    gc.collect()
    if trouble is None:
        assert "connected_clients:1" in valkey.ask("INFO clients")


@pytest.mark.parametrize("trouble", ["stopped", "paused", "flushed"])
async def test_account_locks_do_not_depend_on_valkey(valkey: ValkeyServer, sqlite_url: str, trouble: str):
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
