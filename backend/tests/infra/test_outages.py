"""The database goes away in the middle of it all: nobody gets in, everybody is told, and it goes on by itself."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg  # type: ignore[import-untyped]
import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from focys.features.sessions import sessions
from tests.cluster import OwnCluster, running_postgres
from tests.conftest import migrate_at, world_on
from tests.support.attempts import at_mailed_code
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


@dataclass(frozen=True)
class Visitors:
    """Someone who is signed in and signs in again in the same browser, and someone who has a ticket to enter."""

    account: Account
    browser: Browser
    token: str
    codes: UUID
    after_reset: Browser
    entry: dict[str, str]


async def everything(world: World, visitors: Visitors) -> dict[str, httpx.Response]:
    """Every call that needs the database."""
    account, browser, token = visitors.account, visitors.browser, visitors.token
    shown, headers = {"set": str(visitors.codes)}, {"Authorization": f"Bearer {token}"}
    return {
        "status": await browser.get("/auth/status"),
        "ticket": await visitors.after_reset.post("/auth/email-code/verify", visitors.entry),
        "renew codes": await browser.post("/auth/backup-codes/renew", shown, headers=headers),
        "acknowledge codes": await browser.post("/auth/backup-codes/acknowledge", shown, headers=headers),
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


async def signed_in_and_at_second_factor(world: World) -> Visitors:
    account, newcomer = await world.an_account(enrolled=True), await world.an_account("bob@student.com", enrolled=True)
    browser, token = await world.signed_in(account)
    codes = UUID((await browser.me(token)).json().get("backup_codes_unsaved") or str(uuid4()))
    await world.reset_mfa(newcomer)
    after_reset = await at_mailed_code(world, newcomer)
    entry = {"code": world.mail.last_code(newcomer.email), "ticket": newcomer.ticket or ""}
    # A refresh has to write by now.
    world.clock.advance(minutes=1)
    await world.at_second_factor(account, browser)
    return Visitors(account, browser, token, codes, after_reset, entry)


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
    visitors = await signed_in_and_at_second_factor(served)
    before = await count_of(served, sessions)

    async with outage(own_cluster, served):
        responses = await everything(served, visitors)
        alive = await visitors.browser.get("/health/live")
        branding = await visitors.browser.get("/auth/logo")
    # A connection that the server has cut may be noticed only when it is used.
    await until_answered(served)
    again = await everything(served, visitors)

    reads = {"status", "look", "me"} if outage is read_only else set()
    assert_all_unavailable({name: response for name, response in responses.items() if name not in reads})
    assert alive.status_code == 200
    assert branding.status_code == 404  # none is configured, which needs no database to know
    working = ("status", "ticket", "acknowledge codes", "password", "look", "TOTP", "refresh", "me", "ready")
    expected = dict.fromkeys(working, 200) | {"logout": 204}
    assert {name: response.status_code for name, response in again.items() if name in expected} == expected
    assert await count_of(served, sessions) == before + 1


async def until_answered(world: World) -> None:
    """Let the service replace the connections that are gone."""
    for _ in range(10):
        with contextlib.suppress(SQLAlchemyError):
            await world.services.database.now()


async def test_a_read_only_sqlite_file_lets_nobody_in(sqlite_url: str):
    async with world_on(sqlite_url) as world:
        visitors = await signed_in_and_at_second_factor(world)
        before = await count_of(world, sessions)
        engine = world.services.database.engine

        def read_only(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA query_only=ON")

        def writable(connection: Any, *_: object) -> None:
            connection.execute("PRAGMA query_only=OFF")

        event.listen(engine.sync_engine, "checkout", read_only)
        responses = await everything(world, visitors)
        event.remove(engine.sync_engine, "checkout", read_only)
        event.listen(engine.sync_engine, "checkout", writable)

        assert_all_unavailable(
            {name: response for name, response in responses.items() if name not in {"status", "look", "me", "ready"}}
        )
        assert await count_of(world, sessions) == before
        assert (await visitors.browser.offer(visitors.account.code(world.clock))).status_code == 200
