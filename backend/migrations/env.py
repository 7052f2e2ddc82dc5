"""Runs the migrations on the configured database. Concurrent runs wait for each other."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic, sleep

import asyncpg  # type: ignore[import-untyped]
from alembic import context
from alembic.runtime.migration import MigrationContext
from sqlalchemy import String, column, insert, table, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

import focys.app  # noqa: F401  registers every table
from focys.infra.db.connecting import sqlalchemy_engine
from focys.infra.db.database import metadata
from focys.infra.db.postgres import is_forbidden
from focys.infra.db.private_file import create_privately
from focys.infra.db.schema import SUPPORT, right_needed
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

WAITING = f"Waiting for another migration ({PATIENCE_SECONDS} s at most) …"

UNREACHABLE = (
    "The database cannot be used ({}). Nothing was changed.\n"
    "Check DATABASE_URL, and that the database is running; focys doctor says more."
)
ONLINE_ONLY = "--sql is for PostgreSQL, and DATABASE_URL does not name one."

_CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
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
    while True:
        try:
            _run_migrations(connection)
        except DBAPIError as fault:
            if getattr(fault.orig, "sqlstate", None) not in _LOCK_ERRORS:
                raise
            if monotonic() > deadline:
                raise SystemExit(BUSY) from None
            connection.rollback()
            sleep(PAUSE_SECONDS)
        else:
            return


def _note_oldest_code(*, ctx: MigrationContext, heads: set[str], **_others: object) -> None:
    """Record which code may still serve the tables as they are after this step, for servers not upgraded yet."""
    ctx.execute(f"DROP TABLE IF EXISTS {SUPPORT}")
    for revision in heads:
        ctx.execute(f"CREATE TABLE {SUPPORT} (oldest VARCHAR(32) NOT NULL)")
        ctx.execute(insert(table(SUPPORT, column("oldest", String))).values(oldest=_oldest_code(revision)))


def _oldest_code(revision: str) -> str:
    """Return the newest ``oldest_code`` up to this revision; without any, only code of this revision may serve."""
    steps = context.script.iterate_revisions(revision, "base")
    said = (getattr(step.module, "oldest_code", None) for step in steps)
    return next((oldest for oldest in said if oldest), revision)


def _run_migrations(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        include_name=lambda name, kind, _parents: (kind, name) != ("table", SUPPORT),
        on_version_apply=_note_oldest_code,
    )
    with context.begin_transaction():
        if connection.dialect.name != "sqlite":
            # LOCAL, so that a connection pooler does not hand it on to other clients.
            connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}"))
        context.run_migrations()
    connection.commit()


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncIterator[None]:
    """Wait until no other migration runs on PostgreSQL, and hold the lock until the end."""
    if engine.dialect.name == "sqlite":
        yield
        return
    async with engine.connect() as connection:
        guard: asyncpg.Connection = (await connection.get_raw_connection()).driver_connection
        if not await _take_lock(guard, LOCK_WAIT_MS):
            print(WAITING, file=sys.stderr)  # noqa: T201
            if not await _take_lock(guard, PATIENCE_SECONDS * 1000):
                raise SystemExit(BUSY)
        yield


async def _take_lock(guard: asyncpg.Connection, milliseconds: int) -> bool:
    """Open a transaction that holds the lock; a connection pooler would not release a session's lock.

    One simple query, because what a prepared one leaves behind would keep VACUUM from removing old rows.
    """
    limits = f"SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = {milliseconds}"
    try:
        await guard.execute(f"BEGIN; {limits}; SELECT pg_advisory_xact_lock({LOCK_KEY})")
    except asyncpg.LockNotAvailableError:
        await guard.execute("ROLLBACK")
        return False
    return True


async def _run() -> None:
    engine = _engine(_url())
    await _check_connection(engine)
    async with _alone(engine), engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


async def _check_connection(engine: AsyncEngine) -> None:
    try:
        async with engine.connect():
            pass
    except _CONNECTION_ERRORS as fault:
        if "url" in context.config.attributes:
            # The command that was given it reports this itself.
            raise
        raise SystemExit(UNREACHABLE.format(type(getattr(fault, "orig", None) or fault).__name__)) from None


def _print_statements() -> None:
    """Print the statements instead of running them; only a database can be asked about its rows."""
    if _url().startswith("sqlite"):
        raise SystemExit(ONLINE_ONLY)
    context.configure(
        dialect_name="postgresql",
        target_metadata=metadata,
        literal_binds=True,
        on_version_apply=_note_oldest_code,
    )
    with context.begin_transaction():
        context.run_migrations()


def _engine(url: str) -> AsyncEngine:
    if not url.startswith("sqlite"):
        return sqlalchemy_engine(url, poolclass=NullPool)
    arguments = {"timeout": 60, "isolation_level": None}
    engine = create_async_engine(url, poolclass=NullPool, connect_args=arguments)
    create_privately(engine.sync_engine)
    return engine


try:
    if context.is_offline_mode():
        _print_statements()
    else:
        asyncio.run(_run())
except ProgrammingError as fault:
    if is_forbidden(fault) and "url" not in context.config.attributes:
        raise SystemExit("\n".join(right_needed(fault))) from None
    raise
