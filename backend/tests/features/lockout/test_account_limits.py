"""RateLimiter of an account: fixed windows in the database, exact over all workers, whatever other stores are lost."""

from asyncio import gather
from collections.abc import AsyncIterator

import pytest
from limits import RateLimitItemPerMinute

from focys.features.rate_limits import RateLimiter, account_limits
from focys.infra.db.database import Database
from tests.conftest import settings_for
from tests.support.clock import FrozenClock

THREE = RateLimitItemPerMinute(3, 1, namespace="test-three")
WINDOW = 60


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(settings_for(database_url).database)
    yield database
    await database.close()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def limits(database: Database, clock: FrozenClock) -> RateLimiter:
    return account_limits(database, clock)


async def test_a_limit_says_how_long_to_wait(limits: RateLimiter, clock: FrozenClock):
    answers = [await limits.hit(THREE, "alice") for _ in range(3)]
    clock.advance(seconds=20)

    assert answers == [None] * 3
    assert await limits.hit(THREE, "alice") == WINDOW - 20
    assert await limits.hit(THREE, "bob") is None


async def test_a_limit_ends_with_its_window(limits: RateLimiter, clock: FrozenClock):
    for _ in range(4):
        await limits.hit(THREE, "alice")

    clock.advance(seconds=WINDOW)

    assert [await limits.hit(THREE, "alice") is None for _ in range(4)] == [True, True, True, False]


async def test_concurrent_hits_do_not_exceed_the_limit(limits: RateLimiter):
    answers = await gather(*(limits.hit(THREE, "alice") for _ in range(12)))

    assert answers.count(None) == 3


async def test_a_window_that_begins_in_the_future_is_over(limits: RateLimiter, clock: FrozenClock):
    clock.advance(days=1)
    for _ in range(4):
        await limits.hit(THREE, "alice")
    clock.advance(days=-1)

    assert await limits.hit(THREE, "alice") is None
