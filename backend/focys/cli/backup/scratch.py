"""A database of its own for a trial, made beside the real one and dropped after it, however the trial ends."""

import asyncio
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import make_url

from focys.cli.backup.dump import DumpError
from focys.infra.postgres import connect_arguments

FORCE_SINCE = 13
_OTHER_SERVER = "Check DATABASE_URL, or the address given with --scratch."
_OWN_ROLE = (
    "Make a role for it, and give its address, or the path of a file that holds it, with --scratch:",
    "CREATE ROLE focys_verify LOGIN CREATEDB PASSWORD '…'; -> --scratch postgresql://focys_verify:…@host/postgres",
)
_PREFIX = "focys_verify_"
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
    try:
        asyncio.run(_create(server, name))
    except asyncpg.InsufficientPrivilegeError:
        raise DumpError("The database role may not make a database for the trial.", *_OWN_ROLE) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as fault:
        raise DumpError(f"The server for the trial cannot be used ({type(fault).__name__}).", _OTHER_SERVER) from None
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _drop(server, name)


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


async def _create(server: str, name: str) -> None:
    connection = await _connect(server)
    try:
        if await connection.fetchval(_MAY_DO_MORE, _PREFIX):
            raise DumpError(
                "The database role may do more than make databases, and a dump is a program it would run.", *_OWN_ROLE
            )
        # Of no locale: the same on every server.
        await connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    finally:
        await connection.close()


def _drop(server: str, name: str) -> None:
    async def drop() -> None:
        connection = await _connect(server)
        try:
            force = " WITH (FORCE)" if connection.get_server_version().major >= FORCE_SINCE else ""
            await connection.execute(f"DROP DATABASE IF EXISTS {name}{force}")
        finally:
            await connection.close()

    try:
        asyncio.run(drop())
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as fault:
        raise DumpError(
            f"The scratch database could not be dropped ({type(fault).__name__}).", f"Drop it: DROP DATABASE {name}"
        ) from fault


async def _connect(server: str) -> Any:  # noqa: ANN401  asyncpg has no types
    return await asyncpg.connect(**connect_arguments(server))
