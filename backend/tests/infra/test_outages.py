"""The database goes away in the middle of it all: nobody gets in, everybody is told, and it goes on by itself."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from focys.features.sessions import sessions
from tests.cluster import OwnCluster, running_postgres
from tests.conftest import migrate_at, world_on
from tests.support.rows import count_of
from tests.support.service import Account, Browser, World


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[OwnCluster]:
    """A server that these tests may stop."""
    with running_postgres(own=True) as cluster:
        assert isinstance(cluster, OwnCluster)
        migrate_at(cluster.create_database("outages"))
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


def assert_all_unavailable(responses: dict[str, httpx.Response]) -> None:
    assert {name: response.status_code for name, response in responses.items()} == dict.fromkeys(responses, 503)
    for name, response in responses.items():
        assert response.json()["code"] == "unavailable", name
        assert response.headers["Retry-After"] == "5", name
        assert response.headers["Content-Type"] == "application/problem+json", name
        assert "Set-Cookie" not in response.headers, name
        assert "access_token" not in response.text, name


async def signed_in_and_at_second_factor(world: World) -> tuple[Account, Browser, str]:
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)
    # A refresh has to write by now.
    world.clock.advance(minutes=1)
    await world.at_second_factor(account, browser)
    return account, browser, token


@asynccontextmanager
async def stopped(cluster: OwnCluster, _world: World) -> AsyncIterator[None]:
    cluster.stop()
    try:
        yield
    finally:
        cluster.start()


@asynccontextmanager
async def closed(cluster: OwnCluster, world: World) -> AsyncIterator[None]:
    await alter(cluster, world, "ALLOW_CONNECTIONS false")
    yield
    await alter(cluster, world, "ALLOW_CONNECTIONS true")


@asynccontextmanager
async def read_only(cluster: OwnCluster, world: World) -> AsyncIterator[None]:
    await alter(cluster, world, "SET default_transaction_read_only = on")
    yield
    await alter(cluster, world, "RESET default_transaction_read_only")


async def alter(cluster: OwnCluster, world: World, change: str) -> None:
    """Change the world's database from outside, and cut everybody who is connected to it."""
    name = world.services.database.engine.url.database
    connection: Any = await asyncpg.connect(cluster.url)
    try:
        await connection.execute(f"ALTER DATABASE {name} {change}")
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    finally:
        await connection.close()


@pytest.mark.parametrize("outage", [stopped, closed, read_only])
async def test_an_outage_lets_nobody_in_and_needs_no_restart(
    own_cluster: OwnCluster, served: World, outage: Callable[..., AbstractAsyncContextManager[None]]
):
    """AVL-01: no code is accepted unless its use was recorded, and the service needs no restart."""
    account, browser, token = await signed_in_and_at_second_factor(served)
    before = await count_of(served, sessions)

    async with outage(own_cluster, served):
        responses = await everything(served, account, browser, token)
        alive = await browser.get("/health/live")
    # A connection that the server has cut may be noticed only when it is used.
    await until_answered(served)
    again = await everything(served, account, browser, token)

    reads = {"look", "me"} if outage is read_only else set()
    assert_all_unavailable({name: response for name, response in responses.items() if name not in reads})
    assert alive.status_code == 200
    expected = dict.fromkeys(("password", "look", "TOTP", "refresh", "me", "ready"), 200) | {"logout": 204}
    assert {name: response.status_code for name, response in again.items() if name in expected} == expected
    assert await count_of(served, sessions) == before + 1


async def until_answered(world: World) -> None:
    """Let the service replace the connections that are gone."""
    for _ in range(10):
        with contextlib.suppress(SQLAlchemyError):
            await world.services.database.now()


async def test_a_read_only_sqlite_file_lets_nobody_in(sqlite_url: str):
    async with world_on(sqlite_url) as world:
        account, browser, token = await signed_in_and_at_second_factor(world)
        before = await count_of(world, sessions)
        engine = world.services.database.engine

        def read_only(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA query_only=ON")

        def writable(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA query_only=OFF")

        event.listen(engine.sync_engine, "checkout", read_only)
        responses = await everything(world, account, browser, token)
        event.remove(engine.sync_engine, "checkout", read_only)
        event.listen(engine.sync_engine, "checkout", writable)

        assert_all_unavailable(
            {name: response for name, response in responses.items() if name not in {"look", "me", "ready"}}
        )
        assert await count_of(world, sessions) == before
        assert (await browser.offer(account.code(world.clock))).status_code == 200
