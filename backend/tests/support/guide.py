"""A machine set up by the guide: a folder, a database, and its commands as a shell runs them."""

import subprocess
from asyncio import to_thread
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import main
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.conftest import SECRET_KEY
from tests.support.processes import BACKEND, environment, run

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


@dataclass
class Deployment:
    """One database and the settings that name it."""

    backend: Path
    url: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        return environment(
            self.backend, **{"DATABASE_URL": self.url, "SECRET_KEY": SECRET_KEY, "DEBUG": "False", **self.settings}
        )

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the guide in the backend's folder."""
        return run(command, folder=self.backend, env=self.env)

    def done(self, command: str) -> str:
        """Run a command that has to succeed, and return what it printed."""
        result = self.run(command)
        assert result.returncode == 0, result.stderr
        return result.stdout

    async def alembic(self, arguments: str) -> str:
        """Run ``alembic …`` in this process, which takes a tenth of the time, and return what it refuses with, if so."""
        try:
            await to_thread(main, ["-c", str(BACKEND / "alembic.ini"), *arguments.split()])
        except SystemExit as refused:
            return str(refused.code)
        return ""

    async def sql(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement on the database and return its rows."""
        scheme, _, rest = self.url.partition("://")
        engine = create_async_engine(f"{DRIVERS[scheme]}://{rest}", poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                result = await connection.execute(sa.text(statement), parameters)
                return [tuple(row) for row in result.all()] if result.returns_rows else []
        finally:
            await engine.dispose()

    async def revision(self) -> str | None:
        rows = await self.sql("SELECT version_num FROM alembic_version")
        return str(rows[0][0]) if rows else None
