"""A connection to the trial server. The driver has no types, so this module types the part we use."""

from collections.abc import AsyncIterable, Sequence
from typing import Protocol

import asyncpg  # type: ignore[import-untyped]

from focys.infra.db.postgres import connect_arguments


class _Version(Protocol):
    major: int


class Connection(Protocol):
    """A connection of ``asyncpg``."""

    async def execute(self, query: str) -> object:
        """Run statements."""

    async def fetch(self, query: str, *arguments: str) -> object:
        """Run a query to its end."""

    async def fetchval(self, query: str, *arguments: str) -> object:
        """Return the first value of the first row, or None."""

    async def copy_to_table(
        self, table_name: str, *, schema_name: str | None, columns: Sequence[str], source: AsyncIterable[bytes]
    ) -> object:
        """Copy rows into a table."""

    def get_server_version(self) -> _Version:
        """Return the version of the server."""

    async def close(self) -> None:
        """Close the connection and wait for the server."""

    def terminate(self) -> None:
        """Close the connection without waiting."""


async def connect(url: str, **settings: str) -> Connection:
    """Return a connection to one of our URLs, with these server *settings*."""
    connection: Connection = await asyncpg.connect(**connect_arguments(url), server_settings=settings)
    return connection
