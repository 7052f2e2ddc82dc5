"""The database goes away in the middle of it all: nobody gets in, everybody is told, and it goes on by itself."""

import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from focys.features.sessions import sessions
from tests.cluster import OwnCluster, running_postgres
from tests.conftest import _migrated, world_on
from tests.support.rows import count_of
from tests.support.service import Account, Browser, World


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[OwnCluster]:
    """A server that these tests may stop."""
    with running_postgres(own=True) as cluster:
        assert isinstance(cluster, OwnCluster)
        _migrated(cluster.create_database("outages"))
        yield cluster


@pytest.fixture
async def served(own_cluster: OwnCluster) -> AsyncIterator[World]:
    """The service on a database of its own in that server."""
    name = f"outage_{time.monotonic_ns()}"
    async with world_on(own_cluster.create_database(name, template="outages")) as world:
        yield world
    own_cluster.drop_database(name)


async def everything(world: World, account: Account, browser: Browser, token: str) -> dict[str, httpx.Response]:
    """Every call that needs the database."""
    return {
        "password": await world.a_browser().sign_in_with_password(account),
        "look": await browser.get("/auth/login"),
        "TOTP": await browser.offer(account.code(world.clock)),
        "backup code": await browser.post("/auth/backup-code/verify", {"code": account.backup_codes[0]}),
        "refresh": await browser.post("/auth/refresh"),
        "me": await browser.me(token),
        "logout": await browser.post("/auth/logout"),
        "ready": await browser.get("/health/ready"),
    }


def assert_all_unavailable(answers: dict[str, httpx.Response]) -> None:
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 503)
    for name, answer in answers.items():
        assert answer.json()["code"] == "unavailable", name
        assert answer.headers["Retry-After"] == "5", name
        assert answer.headers["Content-Type"] == "application/problem+json", name
        assert "Set-Cookie" not in answer.headers, name
        assert "access_token" not in answer.text, name


async def signed_in_and_at_second_factor(world: World) -> tuple[Account, Browser, str]:
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)
    # A refresh has to write by now.
    world.clock.advance(minutes=1)
    await world.at_second_factor(account, browser)
    return account, browser, token


async def test_a_stopped_database_answers_503_and_its_return_needs_no_restart_of_ours(
    own_cluster: OwnCluster, served: World
):
    account, browser, token = await signed_in_and_at_second_factor(served)
    before = await count_of(served, sessions)

    own_cluster.stop()
    try:
        answers = await everything(served, account, browser, token)
        alive = await browser.get("/health/live")
    finally:
        own_cluster.start()

    assert_all_unavailable(answers)
    assert alive.status_code == 200
    again = await everything(served, account, browser, token)
    assert {name: answer.status_code for name, answer in again.items() if name != "backup code"} == {
        "password": 200,
        "look": 200,
        "TOTP": 200,
        "refresh": 200,
        "me": 200,
        "logout": 204,
        "ready": 200,
    }
    assert await count_of(served, sessions) == before + 1


async def test_a_database_that_hangs_lets_nobody_in_and_holds_no_request_for_long(
    own_cluster: OwnCluster, served: World
):
    account, browser, _ = await signed_in_and_at_second_factor(served)

    own_cluster.pause()
    try:
        began = time.monotonic()
        answer = await browser.offer(account.code(served.clock))
        took = time.monotonic() - began
    finally:
        own_cluster.resume()

    assert_all_unavailable({"TOTP": answer})
    assert took < 10
    assert (await browser.offer(account.code(served.clock))).status_code == 200


async def alter(cluster: OwnCluster, world: World, change: str) -> None:
    """Change the world's database from outside, and cut everybody who is connected to it."""
    name = world.services.database.engine.url.database
    connection: Any = await asyncpg.connect(cluster.url)
    try:
        await connection.execute(f"ALTER DATABASE {name} {change}")
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    finally:
        await connection.close()


async def settled(world: World) -> None:
    """Let the service find out which of its connections are gone."""
    for _ in range(10):
        with contextlib.suppress(SQLAlchemyError):
            await world.services.database.now()


@pytest.mark.parametrize(
    ("trouble", "fix"),
    [
        ("SET default_transaction_read_only = on", "RESET default_transaction_read_only"),
        ("ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"),
    ],
)
async def test_a_database_that_takes_no_writes_or_no_connections_lets_nobody_in(
    own_cluster: OwnCluster, served: World, trouble: str, fix: str
):
    """AVL-01: a code is not accepted unless its use was recorded."""
    account, browser, token = await signed_in_and_at_second_factor(served)
    before = await count_of(served, sessions)

    await alter(own_cluster, served, trouble)
    answers = await everything(served, account, browser, token)
    await alter(own_cluster, served, fix)

    reads = {"look", "me"} if "read_only" in trouble else set()
    assert_all_unavailable({name: answer for name, answer in answers.items() if name not in reads})
    await settled(served)
    assert await count_of(served, sessions) == before
    assert (await browser.offer(account.code(served.clock))).status_code == 200


async def test_connections_cut_by_the_server_are_replaced(own_cluster: OwnCluster, served: World):
    """AVL-01: a fail-over costs one request at most, not a restart."""
    account, browser, _ = await signed_in_and_at_second_factor(served)

    await alter(own_cluster, served, "RESET ALL")
    statuses = [(await browser.get("/auth/login")).status_code for _ in range(6)]

    assert set(statuses) <= {200, 503}
    assert statuses[-3:] == [200, 200, 200]
    assert (await browser.offer(account.code(served.clock))).status_code == 200


async def test_an_sqlite_file_that_cannot_be_written_lets_nobody_in(sqlite_url: str):
    async with world_on(sqlite_url) as world:
        account, browser, token = await signed_in_and_at_second_factor(world)
        before = await count_of(world, sessions)
        engine = world.services.database.engine

        def read_only(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA query_only=ON")

        def writable(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA query_only=OFF")

        event.listen(engine.sync_engine, "checkout", read_only)
        answers = await everything(world, account, browser, token)
        event.remove(engine.sync_engine, "checkout", read_only)
        event.listen(engine.sync_engine, "checkout", writable)

        assert_all_unavailable(
            {name: answer for name, answer in answers.items() if name not in {"look", "me", "ready"}}
        )
        assert await count_of(world, sessions) == before
        assert (await browser.offer(account.code(world.clock))).status_code == 200
