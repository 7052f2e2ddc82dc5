"""PgBouncer between the service and PostgreSQL, as its package comes: sign-ins, limits and migrations work.

Debian 12 has a PgBouncer that knows nothing of prepared statements. Since 1.21 it keeps track of them in transaction
mode, by names of its own; Debian 13 has such a one.
"""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import func, literal, select
from sqlalchemy.exc import OperationalError

from focys.infra.db.postgres import Postgres
from focys.infra.db.schema import migrate
from tests.cluster import as_plain_user
from tests.conftest import settings_for, world_on
from tests.support.debian import debian_libraries, debian_program, program_of_release
from tests.support.processes import free_port

START_SECONDS = 60
FEW = 3
"""Connections to the server: fewer than the clients, so that transactions move between them."""
KNOWS_PREPARED_STATEMENTS = (1, 21)
LIBRARIES_OF_NEWER = (
    "libc6",
    "libaudit1",
    "libcap-ng0",
    "libcap2",
    "libcares2",
    "libevent-2.1-7t64",
    "libpam0g",
    "libssl3t64",
    "libsystemd0",
    "libzstd1",
    "zlib1g",
)


@contextmanager
def running_pgbouncer(url: str, pool_mode: str, folder: Path, *, newer: bool = False) -> Iterator[str]:
    """Run PgBouncer with its defaults before the database at *url*; yield the address through it."""
    parts, port = urlsplit(url), free_port()
    name = parts.path[1:]
    password = f" password={unquote(parts.password)}" if parts.password else ""
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{name} = host={parts.hostname} port={parts.port} user={parts.username}{password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = {pool_mode}\ndefault_pool_size = {FEW if pool_mode == 'transaction' else 20}\n"
    )
    command, libraries = _newer() if newer else _packaged()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*as_plain_user(folder), *command, folder / "pgbouncer.ini"],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=libraries,
        )
    try:
        _wait_for(port, process, folder / "log")
        yield f"postgresql://{parts.username}@127.0.0.1:{port}/{name}"
    finally:
        process.kill()
        process.wait()


def _packaged() -> tuple[list[str], dict[str, str]]:
    return [debian_program("pgbouncer", package="pgbouncer")], debian_libraries("libc-ares2", "libevent-2.1-7")


def _newer() -> tuple[list[str], dict[str, str]]:
    packaged = _packaged()
    if _version_of(*packaged) >= KNOWS_PREPARED_STATEMENTS:
        return packaged
    newer = program_of_release("trixie", "pgbouncer", "pgbouncer", *LIBRARIES_OF_NEWER), dict(os.environ)
    assert _version_of(*newer) >= KNOWS_PREPARED_STATEMENTS
    return newer


def _version_of(command: list[str], env: dict[str, str]) -> tuple[int, ...]:
    said = subprocess.run([*command, "--version"], env=env, capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.splitlines()[0].removeprefix("PgBouncer ").split("."))


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"PgBouncer did not start: {log.read_text(errors='replace')}")


@pytest.fixture(params=["session", "transaction", "session, newer", "transaction, newer"])
def pooled_url(request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path) -> Iterator[str]:
    """The test's database, through PgBouncer."""
    mode, _, newer = request.param.partition(", ")
    with running_pgbouncer(postgres_url, mode, tmp_path, newer=newer != "") as url:
        yield url


@pytest.fixture
async def connections(pooled_url: str) -> AsyncIterator[Postgres]:
    opened = Postgres(settings_for(pooled_url).database, 8)
    yield opened
    await opened.close()


async def test_people_sign_in_side_by_side(pooled_url: str):
    async with world_on(pooled_url) as world:
        accounts = [await world.an_account(f"student{i}@student.com", enrolled=True) for i in range(10)]

        sessions = await asyncio.gather(*(world.signed_in(account) for account in accounts))

        assert [(await browser.me(access)).status_code for browser, access in sessions] == [200] * 10


@pytest.mark.parametrize(
    ("setting", "value"),
    [("statement_timeout", "3s"), ("lock_timeout", "1s"), ("transaction_isolation", "read committed")],
)
async def test_every_statement_has_its_limits(connections: Postgres, setting: str, value: str):
    statement = select(func.current_setting(setting))

    found = await asyncio.gather(*(connections.fetch(statement, {}) for _ in range(40)))

    assert {row[0] for [row] in found} == {value}


async def test_a_statement_that_runs_too_long_is_ended(connections: Postgres):
    with pytest.raises(OperationalError, match="statement timeout"):
        await connections.fetch(select(func.pg_sleep(literal(60))), {})

    assert await connections.fetch(select(literal(1)), {})


async def test_limits_do_not_leak_to_other_clients(pooled_url: str, connections: Postgres):
    await connections.fetch(select(literal(1)), {})

    parts = urlsplit(pooled_url)
    other = await asyncpg.connect(pooled_url, statement_cache_size=0, server_settings={"application_name": "other"})
    async with other.transaction():
        assert await other.fetchval("SHOW statement_timeout") == "0", parts.path
    await other.close()


def test_migrations_leave_no_lock(pooled_url: str, postgres_url: str):
    for _ in range(2):
        migrate(settings_for(pooled_url).database)

    held = asyncio.run(_advisory_locks(postgres_url))

    assert held == 0


async def _advisory_locks(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
    finally:
        await connection.close()
