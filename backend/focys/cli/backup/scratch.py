"""A temporary database for a trial, dropped afterward however the trial ends."""

import asyncio
import secrets
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import asyncpg  # type: ignore[import-untyped]

from focys.cli.backup.dump import DumpError
from focys.infra.db.connecting import Connection, Hosts
from focys.settings.database_url import other_database

SERVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_PREFIX = "focys_verify_"
_OWN_ROLE = (
    "Create a role for the trial, and pass its address, or the path of a file that holds it, as --scratch:",
    "CREATE ROLE focys_verify LOGIN CREATEDB PASSWORD '…'; -> --scratch postgresql://focys_verify:…@host/postgres",
)
# PostgreSQL lets every role change its own password and settings, and one with CREATEDB create more databases.
_MALICIOUS = "The dump changed the role that restored it, or created a database: treat the backup as malicious."
_NEVER_RESTORE = (
    "Do not restore it, and find out who could write there.",
    "Drop the role, and create a new one for the next trial; deploy/bin/focys-try-backup does so by itself.",
)
_ROLE_SETTINGS = """
SELECT ARRAY(SELECT setdatabase || pg_catalog.unnest(setconfig) FROM pg_catalog.pg_db_role_setting
    WHERE setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) ORDER BY 1)
"""
# Override what a role or database has set, so that neither can prevent the cleanup.
CREATE_SECONDS = 60
_SERVER_SETTINGS = {"statement_timeout": "0", "default_transaction_read_only": "off"}
# What a role can do without a connection to the database in question: server-wide rights, the rights of other roles,
# and ALTER DATABASE as the owner. An interrupted trial may have left its own database behind.
_CAN_DO_MORE = """
SELECT rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls
    OR EXISTS (SELECT FROM pg_catalog.pg_auth_members WHERE member = r.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_database WHERE datdba = r.oid AND NOT starts_with(datname, $1))
FROM pg_catalog.pg_roles AS r WHERE rolname = current_user
"""
_END_OTHERS = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = $1"
# A template database cannot be dropped, and a malicious dump may have made this one a template.
_DROP = """
SELECT pg_catalog.format('ALTER DATABASE %I IS_TEMPLATE false', datname),
    pg_catalog.format('DROP DATABASE %I', datname), datname
FROM pg_catalog.pg_database WHERE datname = $1 OR NOT starts_with(datname, $2)
    AND datdba = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
"""


@contextmanager
def scratch_database(server: str) -> Iterator[tuple[str, int]]:
    """Yield the URL of an empty database that only its role can connect to, and the major version of its server.

    Raises:
        DumpError: the server cannot be reached, or the role cannot create databases, or can do more than that.
    """
    name = f"{_PREFIX}{secrets.token_hex(6)}"
    with asyncio.Runner() as runner:
        with _server_errors():
            # Kept open for the cleanup: the dump may take from its role what a new connection would need.
            connection, settings, version = runner.run(_open(server))
        try:
            # An interrupt in mid-command could drop the database before the server has created it.
            with _server_errors(), _uninterrupted():
                runner.run(_create(connection, name))
            yield other_database(server, name), version
        finally:
            try:
                was_changed = runner.run(_clean_up(server, connection, name, settings))
            except asyncpg.InvalidPasswordError:
                was_changed = True
            except SERVER_ERRORS as fault:
                raise DumpError(
                    f"The scratch database could not be dropped ({type(fault).__name__}).",
                    f"Drop it: DROP DATABASE IF EXISTS {name}",
                ) from fault
            if was_changed:
                raise DumpError(_MALICIOUS, *_NEVER_RESTORE)


@contextmanager
def scratch_file(file: BinaryIO) -> Iterator[str]:
    """Yield the URL of a private copy of an SQLite file.

    Raises:
        DumpError: the file is damaged.
    """
    with tempfile.TemporaryDirectory(prefix="focys_verify_") as folder:
        copy = Path(folder) / "focys.db"
        with copy.open("wb") as target:
            shutil.copyfileobj(file, target)
        try:
            with closing(sqlite3.connect(copy)) as connection:
                [(result,), *_] = connection.execute("PRAGMA integrity_check").fetchall()
        except sqlite3.DatabaseError:
            result = "damaged"
        if result != "ok":
            raise DumpError("The SQLite file is damaged or cut off.", "Try the previous backup.")
        yield f"sqlite+aiosqlite:///{copy}"


async def connect(url: str) -> Connection:
    """Connect to one of our URLs."""
    return await Hosts(url).connect(server_settings=_SERVER_SETTINGS)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Deliver Ctrl-C and SIGTERM afterward."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _server_errors() -> Iterator[None]:
    try:
        yield
    except asyncpg.InsufficientPrivilegeError:
        raise DumpError("The database role cannot create a database for the trial.", *_OWN_ROLE) from None
    except SERVER_ERRORS as fault:
        raise DumpError(
            f"The server for the trial cannot be used ({type(fault).__name__}).",
            "Check DATABASE_URL, or the address given with --scratch.",
        ) from None


async def _open(server: str) -> tuple[Connection, object, int]:
    """Return a connection of a role fit for this, the settings of that role, and the server's major version."""
    connection = await connect(server)
    [[can_do_more]] = await connection.fetch(_CAN_DO_MORE, _PREFIX)
    if can_do_more:
        connection.terminate()
        raise DumpError(
            "The database role can do more than create databases, and a dump is a program that it would run.",
            *_OWN_ROLE,
        )
    [[settings]] = await connection.fetch(_ROLE_SETTINGS)
    [[version]] = await connection.fetch("SELECT pg_catalog.current_setting('server_version_num')::int / 10000")
    return connection, settings, int(str(version))


async def _create(connection: Connection, name: str) -> None:
    async with asyncio.timeout(CREATE_SECONDS):
        # The same locale on every server.
        await connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")


async def _clean_up(server: str, kept: Connection, name: str, settings: object) -> bool:
    """Drop the database, and return whether the dump changed anything outside it."""
    try:
        has_more = await _drop(kept, name)
    except SERVER_ERRORS:
        # The dump has closed it, as a role can do with its own connections.
        has_more = await _drop(await connect(server), name)
    connection = await connect(server)
    [[settings_now]] = await connection.fetch(_ROLE_SETTINGS)
    connection.terminate()
    return has_more or settings_now != settings


async def _drop(connection: Connection, name: str) -> bool:
    """Drop the scratch database and those that the dump created; return whether there were any of the latter."""
    try:
        found = [list(row) for row in await connection.fetch(_DROP, name, _PREFIX)]
        for unlock, drop, database in found:
            await connection.fetch(_END_OTHERS, database)
            await connection.execute(str(unlock))
            await connection.execute(str(drop))
        return any(database != name for *_, database in found)
    finally:
        connection.terminate()
