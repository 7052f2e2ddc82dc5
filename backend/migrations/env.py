"""Runs the migrations on the database the settings name; of several that start at once, the others wait."""

import asyncio

from alembic import context
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import focys.app  # noqa: F401  every table is known once the app is wired
from focys.infra.database import metadata
from focys.infra.postgres import is_forbidden
from focys.infra.schema import OWNER_NEEDED
from focys.settings import SettingsError, load_settings

LOCK_KEY = 4_602_697
"""Any number, the same in every process: the advisory lock that migrations hold."""


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
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_lock({LOCK_KEY})"))
        connection.commit()
    else:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


async def _run() -> None:
    url = _url()
    arguments = {"timeout": 60, "isolation_level": None} if url.startswith("sqlite") else {}
    engine = create_async_engine(url, poolclass=NullPool, connect_args=arguments)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


try:
    asyncio.run(_run())
except ProgrammingError as fault:
    if is_forbidden(fault) and "url" not in context.config.attributes:
        raise SystemExit("\n".join(OWNER_NEEDED)) from None
    raise
