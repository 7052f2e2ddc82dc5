"""The database schema: its current revision, the revision this code needs, and how to migrate."""

from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Select, column, select, table
from sqlalchemy.exc import SQLAlchemyError

from focys.infra.db.database import Database
from focys.settings import BACKEND

SCHEMA = "0011"
"""The revision this code needs: its newest migration."""

OWNER_NEEDED = (
    "The database role in DATABASE_URL is not allowed to do this; only the owner of the tables is.",
    "As root, put this before the command: DATABASE_URL_FILE=/etc/focys/owner_database_url",
)
"""The message if the service's own role lacks the permission."""

SCHEMA_RIGHT_NEEDED = (
    "The database role in DATABASE_URL is not allowed to create tables in its schema.",
    "Use the owner of the tables; on a server set up as documented, put this before the command, as root:",
    "    DATABASE_URL_FILE=/etc/focys/owner_database_url",
    "Or have the owner of the database run, in it: GRANT CREATE ON SCHEMA public TO <role>",
)
"""The message if the role owns no tables yet and may create none, like everyone but the owner since PostgreSQL 15."""

SUPPORT = "schema_support"
"""The table for the oldest revision whose code may still serve the schema; migrations/env.py keeps it."""

_OLDEST: Select[Any] = select(column("oldest")).select_from(table(SUPPORT))
_VERSION: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))


def alembic_config(url: str | None = None) -> Config:
    """Return the configuration for Alembic; *url* overrides DATABASE_URL."""
    config = Config(BACKEND / "alembic.ini")
    if url is not None:
        config.attributes["url"] = url
    return config


def needed_revision() -> str:
    """Return the revision this code needs."""
    return SCHEMA


@cache
def known_revisions() -> tuple[str, ...]:
    """Return the revisions this code can migrate from, oldest first.

    Migration files left behind by a newer version are ignored.
    """
    script = ScriptDirectory.from_config(alembic_config())
    return tuple(step.revision for step in script.iterate_revisions(SCHEMA, "base"))[::-1]


def revisions_after(revision: str) -> list[str]:
    """Return the revisions after a known one, up to the one this code needs, oldest first."""
    known = known_revisions()
    return list(known[known.index(revision) + 1 :])


def why_unusable(at: str | None) -> str | None:
    """Return why this code must not serve a database at this revision, and how to fix it; None if it may."""
    if at == SCHEMA:
        return None
    if at is None:
        return f"The database has no schema yet and this version needs {SCHEMA}: alembic upgrade head"
    if at in known_revisions():
        return f"The database's schema is {at} and this version needs {SCHEMA}: alembic upgrade head"
    return (
        f"The database's schema is {at}, which is newer than this version, and this version needs {SCHEMA}: "
        f"reinstall the newer version, or use it to run alembic downgrade {SCHEMA}"
    )


async def why_not_serve(database: Database) -> str | None:
    """Return why this code must not serve the database as it is now; None if it may.

    During an upgrade, the database may be ahead: a newer version says which older code can still serve.
    """
    at = await current_revision(database)
    return None if await is_still_served(database, at) else why_unusable(at)


async def is_still_served(database: Database, at: str | None) -> bool:
    """Return whether the database is at the revision of a newer version that lets this code go on serving."""
    if at in {None, *known_revisions()}:
        return False
    try:
        row = await database.first(_OLDEST)
    except SQLAlchemyError:
        return False
    return row is not None and str(row[0]) <= SCHEMA


def right_needed(fault: BaseException) -> tuple[str, ...]:
    """Return what to do about a statement that the role was not allowed to run."""
    return SCHEMA_RIGHT_NEEDED if "permission denied for schema" in str(fault) else OWNER_NEEDED


async def current_revision(database: Database) -> str | None:
    """Return the database's revision, or None if it was never migrated."""
    try:
        row = await database.first(_VERSION)
    except SQLAlchemyError:
        return None
    return str(row[0]) if row else None


def migrate(url: str, revision: str = SCHEMA) -> None:
    """Upgrade the database to a revision."""
    command.upgrade(alembic_config(url), revision)
