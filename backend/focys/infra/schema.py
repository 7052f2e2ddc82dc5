"""The database's schema: which revision it is at, which one this code needs, and how to get there."""

from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Select, column, select, table
from sqlalchemy.exc import SQLAlchemyError

from focys.infra.database import Database
from focys.settings import BACKEND

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


@cache
def needed_revision() -> str:
    """Return the revision this code was written for."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert head is not None  # noqa: S101  there are migrations
    return head


def known_revisions() -> frozenset[str]:
    """Return every revision this code knows the way from."""
    script = ScriptDirectory.from_config(alembic_config())
    return frozenset(revision.revision for revision in script.walk_revisions())


def revisions_after(revision: str) -> list[str]:
    """Return the revisions that lead from a known one to the one this code was written for, in their order."""
    script = ScriptDirectory.from_config(alembic_config())
    return [step.revision for step in script.iterate_revisions("head", revision)][::-1]


async def current_revision(database: Database) -> str | None:
    """Return the revision the database is at, or None if it was never migrated."""
    try:
        row = await database.first(_VERSION)
    except SQLAlchemyError:
        return None
    return str(row[0]) if row else None


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database up to a revision."""
    command.upgrade(alembic_config(url), revision)
