"""Opens connections with PostgreSQL's driver, to the first usable host of an address."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from focys.settings.database_url import driver_dsn, host_by_host, options_of

CONNECT_SECONDS = 10
"""How long a command waits for each host, unless the address says otherwise."""

# This host is down, starting, or a standby; another one may be the primary.
_TRY_THE_NEXT = (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)


class Record(Protocol):
    """A row from the driver."""

    def keys(self) -> Iterable[str]: ...
    def __iter__(self) -> Iterator[object]: ...


class Connection(Protocol):
    """The part of the driver's connection that we use; the driver has no type hints."""

    def fetch(self, query: str, *args: object, timeout: float | None = None) -> Awaitable[list[Record]]: ...
    def execute(self, query: str) -> Awaitable[str]: ...
    def transaction(self, *, isolation: str | None = None) -> AbstractAsyncContextManager[object]: ...
    def set_type_codec(
        self, typename: str, *, schema: str, encoder: Callable[[Any], str], decoder: Callable[[str], Any]
    ) -> Awaitable[None]: ...
    def is_closed(self) -> bool: ...
    def close(self, *, timeout: float) -> Awaitable[None]: ...
    def terminate(self) -> None: ...


class Hosts:
    """The hosts of an address. Each has a time limit of its own, so that a silent one does not hide the others."""

    def __init__(self, url: str) -> None:
        options = options_of(url)
        self._settings = {name: options[name] for name in ("application_name", "options") if name in options}
        self._seconds = float(options["connect_timeout"]) if "connect_timeout" in options else None
        self._dsns = [driver_dsn(each) for each in host_by_host(options)]

    async def connect(
        self, *, seconds: float = CONNECT_SECONDS, server_settings: dict[str, str] | None = None, **arguments: object
    ) -> Connection:
        """Return a connection to the first usable host, and begin with that host the next time.

        What the address says takes precedence over *seconds* (for each host) and *server_settings*.
        """
        settings = (server_settings or {}) | self._settings
        fault: Exception | None = None
        for dsn in tuple(self._dsns):
            try:
                connection: Connection = await asyncpg.connect(
                    dsn, timeout=self._seconds or seconds, server_settings=settings, **arguments
                )
            except _TRY_THE_NEXT as reason:
                fault = reason
            else:
                self._dsns.sort(key=dsn.__ne__)
                return connection
        assert fault is not None  # noqa: S101  an address has at least one host
        raise fault


def sqlalchemy_engine(url: str, **settings: object) -> AsyncEngine:
    """Return an engine of SQLAlchemy for one of our URLs. It works through a connection pooler, too."""
    hosts = Hosts(url)

    async def connect(**_of_the_url: object) -> Connection:
        return await hosts.connect(statement_cache_size=0)

    return create_async_engine(
        URL.create("postgresql+asyncpg", database=options_of(url).get("dbname")),
        connect_args={
            "async_creator_fn": connect,
            # In the pooler, other clients share the connection, and their names must not collide with ours.
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"focys_{uuid4().hex}",
        },
        **settings,
    )
