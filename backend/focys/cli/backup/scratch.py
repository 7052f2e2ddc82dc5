"""A database of its own for a trial, made beside the real one and dropped after it, however the trial ends."""

import asyncio
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import make_url

from focys.cli.backup.driver import Connection, connect
from focys.cli.backup.dump import DumpError

FORCE_SINCE = 13
_OTHER_SERVER = "Check DATABASE_URL, or the address given with --scratch."
_OWN_ROLE = (
    "Make a role for it, and give its address, or the path of a file that holds it, with --scratch:",
    "CREATE ROLE focys_verify LOGIN CREATEDB PASSWORD '…'; -> --scratch postgresql://focys_verify:…@host/postgres",
)
_PREFIX = "focys_verify_"
# PostgreSQL lets every role change its own password and settings.
_CHANGED_ITS_ROLE = "The dump has changed the role that tried it, which no dump of pg_dump does: it means harm."
_NEVER_RESTORE = (
    "Do not restore it, and find out who could write there.",
    "Drop the role, and make a new one for the next trial; deploy/bin/focys-try-backup does so by itself.",
)
_OWN_SETTINGS = """
SELECT ARRAY(SELECT setdatabase || pg_catalog.unnest(setconfig) FROM pg_catalog.pg_db_role_setting
    WHERE setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) ORDER BY 1)
"""
# Stronger than what a role or a database has set: neither may keep us from our end.
_SERVER_SETTINGS = {"statement_timeout": "0", "default_transaction_read_only": "off"}
_IS_TEMPLATE = "SELECT datistemplate FROM pg_catalog.pg_database WHERE datname = $1"
_END_OTHERS = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = $1"
# What needs no connection to the database it is about: powers over the server, what other roles may do, and ALTER
# DATABASE for the owner. A trial that was cut off may have left its own behind.
_MAY_DO_MORE = """
SELECT rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls
    OR EXISTS (SELECT FROM pg_catalog.pg_auth_members WHERE member = r.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_database WHERE datdba = r.oid AND NOT starts_with(datname, $1))
FROM pg_catalog.pg_roles AS r WHERE rolname = current_user
"""


@contextmanager
def scratch_database(server: str) -> Iterator[str]:
    """Yield the URL of an empty database on the server of a URL, in which nobody else may look.

    Raises:
        DumpError: the server cannot be reached, or the role may make no databases, or may do more than that.
    """
    name = f"{_PREFIX}{secrets.token_hex(6)}"
    with asyncio.Runner() as runner:
        with _refusals_of_the_server():
            # Kept for the end: the dump may take away from its role what a new connection would need.
            kept, before = runner.run(_open(server))
        try:
            with _refusals_of_the_server():
                runner.run(_create(kept, name))
            yield make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            try:
                runner.run(_drop(server, kept, name))
                after = runner.run(_settings_of_role(server))
            except asyncpg.InvalidPasswordError:
                raise DumpError(_CHANGED_ITS_ROLE, *_NEVER_RESTORE) from None
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as fault:
                said = f"The scratch database could not be dropped ({type(fault).__name__})."
                raise DumpError(said, f"Drop it: DROP DATABASE IF EXISTS {name}") from fault
            if after != before:
                raise DumpError(_CHANGED_ITS_ROLE, *_NEVER_RESTORE)


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
                [(verdict,), *_] = connection.execute("PRAGMA integrity_check").fetchall()
        except sqlite3.DatabaseError:
            verdict = "damaged"
        if verdict != "ok":
            raise DumpError("The SQLite file is damaged or cut off.", "Try the backup before it.")
        yield f"sqlite+aiosqlite:///{copy}"


@contextmanager
def _refusals_of_the_server() -> Iterator[None]:
    try:
        yield
    except asyncpg.InsufficientPrivilegeError:
        raise DumpError("The database role may not make a database for the trial.", *_OWN_ROLE) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as fault:
        raise DumpError(f"The server for the trial cannot be used ({type(fault).__name__}).", _OTHER_SERVER) from None


async def _open(server: str) -> tuple[Connection, object]:
    """Return a connection of a role that may be used for this, and the settings of that role."""
    connection = await connect(server, **_SERVER_SETTINGS)
    if not await connection.fetchval(_MAY_DO_MORE, _PREFIX):
        return connection, await connection.fetchval(_OWN_SETTINGS)
    await connection.close()
    raise DumpError(
        "The database role may do more than make databases, and a dump is a program it would run.", *_OWN_ROLE
    )


async def _create(connection: Connection, name: str) -> None:
    # Of no locale: the same on every server.
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
    await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")


async def _drop(server: str, kept: Connection, name: str) -> None:
    async def drop(connection: Connection) -> None:
        force = connection.get_server_version().major >= FORCE_SINCE
        try:
            if not force:
                await connection.fetch(_END_OTHERS, name)
            if await connection.fetchval(_IS_TEMPLATE, name):
                # Which cannot be dropped, and is nothing that a dump of ours would make of it.
                await connection.execute(f"ALTER DATABASE {name} IS_TEMPLATE false")
            await connection.execute(f"DROP DATABASE IF EXISTS {name}{' WITH (FORCE)' if force else ''}")
        finally:
            connection.terminate()

    try:
        await drop(kept)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        # The dump has ended it, as a role may do with its own.
        await drop(await connect(server, **_SERVER_SETTINGS))


async def _settings_of_role(server: str) -> object:
    connection = await connect(server, **_SERVER_SETTINGS)
    try:
        return await connection.fetchval(_OWN_SETTINGS)
    finally:
        await connection.close()
