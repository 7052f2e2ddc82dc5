"""The networks' counts: one contract for memory, both databases and a real Valkey, exact at any moment."""

from asyncio import gather
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from sqlalchemy import select

from focys.domain.networks import ACCOUNTS_WINDOW, FAILURES_WINDOW, NetworkLimit, NetworkLimits
from focys.features.rate_limits import throttles
from focys.features.throttling import Full, PasswordCharge, PasswordLimit, PasswordThrottle, Try
from focys.features.throttling.networks import NetworkCounters
from focys.features.throttling.networks_in_database import NetworksInDatabase
from focys.features.throttling.networks_in_memory import NetworksInMemory
from focys.features.throttling.networks_in_redis import NetworksInRedis
from focys.infra.db.database import Database
from tests.conftest import settings_for
from tests.support.clock import FrozenClock
from tests.support.valkey import ValkeyServer, keys_in, running_valkey

WHO = "203.0.113.7"
FEW = NetworkLimit(failures=6, accounts=3)
QUARTER, HOUR = FAILURES_WINDOW.total_seconds(), ACCOUNTS_WINDOW.total_seconds()


@dataclass
class Counts:
    """A store, the ledger that charges it, and a way to let time pass."""

    counters: NetworkCounters
    ledger: PasswordThrottle
    clock: FrozenClock
    database: Database
    let_pass: Callable[[float], Awaitable[None]]

    async def charge(self, account: str, network: str = WHO) -> PasswordCharge | Full | None:
        """Charge one try, in its own bucket."""
        now = self.clock.now()
        return await self.ledger.charge(
            PasswordLimit(f"password:{uuid4().hex}", 0, 0, None), Try(network, account, now), now
        )

    async def charged(self, account: str, network: str = WHO) -> PasswordCharge:
        charge = await self.charge(account, network)
        assert isinstance(charge, PasswordCharge)
        return charge

    async def wrong(self, *accounts: str) -> None:
        """Enter one wrong password for each."""
        for account in accounts:
            await self.ledger.keep(await self.charged(account))

    async def right(self, charge: PasswordCharge) -> None:
        await self.database.write(*await self.ledger.forgive(charge))

    async def used(self, network: str = WHO) -> tuple[int, int]:
        """Failures and places that are counted now."""
        if isinstance(self.counters, NetworksInMemory):
            windows = [found.get(network) for found in (self.counters.failures, self.counters.accounts)]
            failures, places = (w.count if w is not None and w.ends > self.clock.now() else 0 for w in windows)
            return failures, places
        usage = (await self.counters.usage()).get(network)
        return (usage.failures.count, usage.accounts.count) if usage else (0, 0)


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "postgresql", "valkey"])
def store(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The kind of store, and the URL of its database or fallback database."""
    url = request.getfixturevalue("postgres_url" if request.param == "postgresql" else "sqlite_url")
    return request.param, url


@pytest.fixture
async def counts(store: tuple[str, str], valkey: ValkeyServer) -> AsyncIterator[Counts]:
    """Each store that RATE_LIMIT_STORAGE can name, with limits that are soon reached."""
    name, url = store
    clock, database = FrozenClock(), Database(settings_for(url).database)
    counters: NetworkCounters = NetworksInDatabase(database, clock)

    async def move_on(seconds: float) -> None:
        clock.advance(seconds=seconds)
        if name == "valkey":
            # The server's clock cannot be moved, but the end of each window can.
            for key in keys_in(valkey):
                window = QUARTER if "passwords" in key else HOUR
                if seconds >= window:
                    assert valkey.ask(f"PEXPIREAT {key} 1").startswith(":1")

    if name == "memory":
        counters = NetworksInMemory(database)
    elif name == "valkey":
        assert valkey.ask("FLUSHALL").startswith("+OK")
        counters = NetworksInRedis(valkey.url, database, clock)
    yield Counts(counters, PasswordThrottle(database, counters, NetworkLimits(usual=FEW)), clock, database, move_on)
    await counters.close()
    await database.close()


async def test_wrong_passwords_count_each_and_their_accounts_once(counts: Counts):
    await counts.wrong("alice", "alice", "bob")

    assert await counts.used() == (3, 2)
    assert await counts.used("198.51.100.9") == (0, 0)


async def test_a_try_is_charged_before_its_password_is_compared(counts: Counts):
    """LOCK-10: failure and place are taken while the password is compared."""
    await counts.charged("alice")

    assert await counts.used() == (1, 1)


async def test_a_right_password_refunds_its_accounts_failures(counts: Counts):
    """LOCK-10: and no other account's."""
    await counts.wrong("alice", "bob", "alice")

    await counts.right(await counts.charged("alice"))

    assert await counts.used() == (1, 1)


async def test_an_uncompared_password_refunds_only_its_own_try(counts: Counts):
    await counts.wrong("alice")
    for account in ("alice", "bob"):
        await counts.ledger.undo(await counts.charged(account))

    assert await counts.used() == (1, 1)


async def test_a_full_set_refuses_new_accounts_only(counts: Counts):
    await counts.wrong("a", "b", "c")

    refused = await counts.charge("d")
    await counts.wrong("b")

    assert isinstance(refused, Full)
    assert refused.retry_after == pytest.approx(HOUR, abs=2)
    assert await counts.used() == (4, 3)
    assert isinstance(await counts.charge("d", "198.51.100.9"), PasswordCharge)


async def test_a_refunded_place_is_free_for_the_next_account(counts: Counts):
    await counts.wrong("a", "b", "c")

    await counts.right(await counts.charged("b"))
    await counts.wrong("d")

    assert await counts.used() == (3, 3)
    assert isinstance(await counts.charge("e"), Full)


async def test_enough_failures_refuse_every_account(counts: Counts):
    """LOCK-10: members of the set, too; the refusal says how long to wait."""
    await counts.wrong("a", "a", "a", "b", "b", "b")

    refused = [await counts.charge(account) for account in ("a", "c")]

    assert [answer.retry_after for answer in refused if isinstance(answer, Full)] == [
        pytest.approx(QUARTER, abs=2),
        pytest.approx(QUARTER, abs=2),
    ]
    assert await counts.used() == (6, 2)


@pytest.mark.parametrize("accounts", [["a", "b", "c"], ["a", "a", "a", "b", "b", "b"]], ids=["set", "failures"])
async def test_a_refused_try_is_not_charged(counts: Counts, accounts: list[str]):
    """LOCK-10: neither to the network nor to the account, whichever limit has refused it."""
    await counts.wrong(*accounts)
    before = await counts.used()
    bucket = PasswordLimit("password:d", 0, 0, None)

    for _ in range(3):
        now = counts.clock.now()
        assert isinstance(await counts.ledger.charge(bucket, Try(WHO, "d", now), now), Full)

    assert await counts.used() == before
    rows = await counts.database.rows(select(throttles.c.hits).where(throttles.c.key == "password:d"))
    assert sum(row.hits for row in rows) == 0


async def test_failures_expire_after_fifteen_minutes_and_places_after_an_hour(counts: Counts):
    await counts.wrong("a", "b", "c")

    await counts.let_pass(QUARTER)
    quarter = await counts.used()
    await counts.wrong("a")
    await counts.let_pass(HOUR)

    assert (quarter, await counts.used()) == ((0, 3), (0, 0))
    await counts.wrong("d", "e", "f")
    assert isinstance(await counts.charge("a"), Full)


async def test_a_refund_after_its_window_does_not_affect_the_next_one(counts: Counts):
    early = [await counts.charged(account) for account in "ab"]
    await counts.let_pass(HOUR)
    await counts.wrong("c")

    for charge in early:
        await counts.right(charge)

    assert await counts.used() == (1, 1)


async def test_earlier_failures_are_not_refunded_in_this_window(counts: Counts):
    """LOCK-10: three on one's own account do not make room for three on other accounts."""
    await counts.wrong("mallory", "mallory", "mallory")
    await counts.let_pass(QUARTER)
    await counts.wrong("a", "b", "mallory")

    await counts.right(await counts.charged("mallory"))

    assert await counts.used() == (2, 2)


async def test_a_failure_settled_after_its_window_counts_in_no_other(counts: Counts):
    late = await counts.charged("a")
    await counts.let_pass(HOUR)
    await counts.wrong("b")

    await counts.ledger.keep(late)

    assert await counts.used() == (1, 1)
    assert isinstance(await counts.charged("a"), PasswordCharge)


async def test_concurrent_accounts_do_not_exceed_the_limit(counts: Counts):
    """LOCK-10: and refused tries lose no place."""
    charges = await gather(*(counts.charge(f"account {i}") for i in range(12)))

    granted = [charge for charge in charges if isinstance(charge, PasswordCharge)]
    assert len(granted) == FEW.accounts
    assert await counts.used() == (3, 3)
    for charge in granted:
        await counts.ledger.keep(charge)
    assert await counts.used() == (3, 3)


async def test_concurrent_tries_do_not_exceed_the_limit(counts: Counts):
    await counts.wrong("a", "b")

    charges = await gather(*(counts.charge("ab"[i % 2]) for i in range(12)))

    assert sum(isinstance(charge, PasswordCharge) for charge in charges) == FEW.failures - 2
    assert await counts.used() == (6, 2)


async def test_concurrent_failures_of_one_account_hold_one_place(counts: Counts):
    charges = [await counts.charged("a") for _ in range(3)]

    await gather(*(counts.ledger.keep(charge) for charge in charges))

    assert await counts.used() == (3, 1)
    await counts.right(await counts.charged("a"))
    assert await counts.used() == (0, 0)


async def test_concurrent_successes_of_one_account_refund_one_place(counts: Counts):
    """LOCK-10: nobody can empty the set by signing in ten times."""
    await counts.wrong("a", "b", "c")
    charges = [await counts.charged("a") for _ in range(3)]

    await gather(*(counts.right(charge) for charge in charges))

    assert await counts.used() == (2, 2)


async def test_places_held_during_a_comparison_ask_for_one_second(counts: Counts):
    """LOCK-10: a class that signs in at nine o'clock does not have to wait for an hour."""
    charges = [await counts.charged(f"pupil {i}") for i in range(3)]

    crowded_out = await counts.charge("pupil 4")
    for charge in charges:
        await counts.right(charge)

    assert crowded_out == Full(1)
    assert isinstance(await counts.charge("pupil 4"), PasswordCharge)


async def test_an_unsettled_place_is_taken_until_the_window_ends(counts: Counts):
    """AVL-04: as if the password had been wrong; a worker may have died."""
    await counts.charged("a")
    await counts.wrong("b", "c")
    await counts.let_pass(20)

    refused = await counts.charge("d")

    assert isinstance(refused, Full)
    assert refused.retry_after == pytest.approx(HOUR - 20, abs=21)


async def test_a_retried_charge_counts_once(counts: Counts):
    """LOCK-09, LOCK-10: of tries that have read the same count one is charged."""
    now = counts.clock.now()
    bucket, tried = PasswordLimit("password:a", 0, 0, None), Try(WHO, "a", now)

    charges = await gather(*(counts.ledger.charge(bucket, tried, now) for _ in range(5)))

    assert sum(isinstance(charge, PasswordCharge) for charge in charges) == 1
    assert await counts.used() == (1, 1)
