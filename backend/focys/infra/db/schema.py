"""The database's schema: which revision it is at, which one this code needs, and how to get there."""

from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Select, column, select, table
from sqlalchemy.exc import SQLAlchemyError

from focys.infra.db.database import Database
from focys.settings import BACKEND

SCHEMA = "0008"
"""The revision this code was written for: the newest of its own migrations."""

OWNER_NEEDED = (
    "The database role that DATABASE_URL names may not do this; it is for the one that owns the tables.",
    "As root, put this before the command: DATABASE_URL_FILE=/etc/focys/owner_database_url",
)
"""What to say where the service's own role is not enough."""

_VERSION: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))


def alembic_config(url: str | None = None) -> Config:
    """Return the migrations' configuration; *url* takes the place of DATABASE_URL."""
    config = Config(BACKEND / "alembic.ini")
    if url is not None:
        config.attributes["url"] = url
    return config


def needed_revision() -> str:
    """Return the revision this code was written for."""
    return SCHEMA


@cache
def known_revisions() -> tuple[str, ...]:
    """Return the revisions this code knows the way from, the first one first.

    A newer version that is gone may have left migrations of its own behind; they do not count.
    """
    script = ScriptDirectory.from_config(alembic_config())
    return tuple(step.revision for step in script.iterate_revisions(SCHEMA, "base"))[::-1]


def revisions_after(revision: str) -> list[str]:
    """Return the revisions that lead from a known one to the one this code was written for, in their order."""
    known = known_revisions()
    return list(known[known.index(revision) + 1 :])


def why_unusable(at: str | None) -> str | None:
    """Return why this code must not serve a database at a revision, and what mends it; None if it may."""
    if at == SCHEMA:
        return None
    if at is None:
        return f"The database has no schema yet and this version needs {SCHEMA}: alembic upgrade head"
    if at in known_revisions():
        return f"The database's schema is {at} and this version needs {SCHEMA}: alembic upgrade head"
    return (
        f"The database's schema is {at}, which is newer than this version, and this version needs {SCHEMA}: "
        f"put the newer version back, or have it run alembic downgrade {SCHEMA}"
    )


async def current_revision(database: Database) -> str | None:
    """Return the revision the database is at, or None if it was never migrated."""
    try:
        row = await database.first(_VERSION)
    except SQLAlchemyError:
        return None
    return str(row[0]) if row else None


def migrate(url: str, revision: str = SCHEMA) -> None:
    """Bring the database up to a revision."""
    command.upgrade(alembic_config(url), revision)
