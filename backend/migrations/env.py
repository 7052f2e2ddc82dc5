"""Runs the migrations on the configured database. Concurrent runs wait for each other."""

import asyncio
import sys
from time import monotonic, sleep

from alembic import context
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import focys.app  # noqa: F401  registers every table
from focys.infra.db.database import metadata
from focys.infra.db.postgres import is_forbidden, sqlalchemy_engine
from focys.infra.db.schema import OWNER_NEEDED
from focys.settings import SettingsError, load_settings

LOCK_KEY = 4_602_697
"""The advisory lock that migrations hold: an arbitrary number, the same in every process."""

LOCK_WAIT_MS = 500
"""How long to wait for a table. Other clients queue behind us meanwhile; the service waits a second at most."""

PAUSE_SECONDS = 1.0
PATIENCE_SECONDS = 120
BUSY = (
    "The tables were in use the whole time. Completed migrations are kept: stop what uses the tables, then try again."
)

WAITING = f"Waiting for another migration, or for tables in use ({PATIENCE_SECONDS} s at most) …"

_LOCK_ERRORS = {"55P03", "40P01"}
"""PostgreSQL's error codes for lock_not_available and deadlock_detected."""


def _url() -> str:
    given = context.config.attributes.get("url")
    if given is not None:
        return str(given)
    try:
        settings = load_settings()
    except SettingsError as fault:
        raise SystemExit(f"The configuration cannot be used:\n{fault}") from None
    if settings.is_embedded:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return settings.database


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Overwrite replaced values in the file, too: they may be plaintext secrets.
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _run_migrations(connection)
        return
    deadline = monotonic() + PATIENCE_SECONDS
    announced = False
    while True:
        try:
            _run_migrations(connection)
        except DBAPIError as fault:
            if getattr(fault.orig, "sqlstate", None) not in _LOCK_ERRORS:
                raise
            if monotonic() > deadline:
                raise SystemExit(BUSY) from None
            if not announced:
                print(WAITING, file=sys.stderr)  # noqa: T201
            announced = True
            connection.rollback()
            sleep(PAUSE_SECONDS)
        else:
            return


def _run_migrations(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        if connection.dialect.name != "sqlite":
            # Both end with the transaction, so that a connection pooler hands neither on to other clients.
            connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
        context.run_migrations()
    connection.commit()


async def _run() -> None:
    url = _url()
    if url.startswith("sqlite"):
        arguments = {"timeout": 60, "isolation_level": None}
        engine = create_async_engine(url, poolclass=NullPool, connect_args=arguments)
    else:
        engine = sqlalchemy_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


try:
    asyncio.run(_run())
except ProgrammingError as fault:
    if is_forbidden(fault) and "url" not in context.config.attributes:
        raise SystemExit("\n".join(OWNER_NEEDED)) from None
    raise
