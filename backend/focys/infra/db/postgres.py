"""PostgreSQL, spoken to by its driver: SQLAlchemy composes each statement, once, and stays out of the way after that.

Executed by SQLAlchemy, the two statements of a TOTP step cost as much again as all the rest of it.
"""

import asyncio
import json
from collections import namedtuple
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.sql.expression import Executable

from focys.infra.ops import metrics

STATEMENT_TIMEOUT_MS = 3000
LOCK_TIMEOUT_MS = 1000
POOL_WAIT_SECONDS = 2
IDLE_SECONDS = 300
"""A firewall on the way may forget a connection that is silent for longer, and tells neither side."""
_INSUFFICIENT_PRIVILEGE = "42501"

_DIALECT: Any = dialect()  # type: ignore[no-untyped-call]
_SERVER_SETTINGS = {
    "application_name": "focys",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "timezone": "UTC",
    # Every statement looks things up by key, so one plan fits all values and none needs to be made twice. Made while a
    # table is next to empty, it would else go through the whole of it until the next ANALYZE.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    # What costs as much as reading a whole table now does, is still not worth compiling.
    "jit": "off",
}
# What is our fault, or the data's; everything else means that the database cannot be used just now.
_FAULTS = (
    (asyncpg.IntegrityConstraintViolationError, IntegrityError),
    (asyncpg.DataError, DataError),
    (asyncpg.SyntaxOrAccessError, ProgrammingError),
)
# The driver raises the last one when the server has just closed the connection.
_DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def connect_arguments(url: str) -> dict[str, Any]:
    """Return what the driver's own ``connect`` is to be given for one of our URLs."""
    arguments: dict[str, Any] = _DIALECT.create_connect_args(make_url(url))[1]
    return arguments


class Record(Protocol):
    """A row from the driver."""

    def keys(self) -> Iterable[str]: ...
    def __iter__(self) -> Iterator[object]: ...


class Connection(Protocol):
    """The part of the driver's connection that we use; the driver has no types."""

    def fetch(self, query: str, *args: object, timeout: float | None = None) -> Awaitable[list[Record]]: ...
    def execute(self, query: str) -> Awaitable[str]: ...
    def transaction(self) -> AbstractAsyncContextManager[object]: ...
    def set_type_codec(
        self, typename: str, *, schema: str, encoder: Callable[[Any], str], decoder: Callable[[str], Any]
    ) -> Awaitable[None]: ...
    def is_closed(self) -> bool: ...
    def close(self, *, timeout: float) -> Awaitable[None]: ...
    def terminate(self) -> None: ...


@dataclass(slots=True)
class _Compiled:
    """A statement for the driver: its parameters in order, its own fixed values, and its row type."""

    sql: str
    names: list[str]
    constants: Mapping[str, object]
    as_row: Callable[[Iterable[object]], Any] | None = None

    def arguments(self, parameters: Mapping[str, object]) -> list[object]:
        values = {**self.constants, **parameters} if self.constants else parameters
        return [values[name] for name in self.names]

    def rows(self, records: list[Record]) -> list[Any]:
        if not records:
            return []
        if self.as_row is None:
            # A statement returns the same columns every time.
            self.as_row = _row_type(tuple(records[0].keys()))._make
        return list(map(self.as_row, records))


class Postgres:
    """Connections that are made when they are first needed, and kept.

    A statement leaves nothing on a connection that would have to be undone. The driver's own pool cannot know that, and
    what it does each time costs a TOTP step 8 % of its instructions.
    """

    def __init__(self, url: str, pool_size: int) -> None:
        self._address = connect_arguments(url)
        self._size = pool_size
        self._room = asyncio.Semaphore(pool_size)
        self._idle: list[tuple[float, Connection]] = []
        """Since when, and which; the longest idle first."""

    async def fetch(
        self, statement: Executable, parameters: Mapping[str, Any], *, seconds: float | None = None
    ) -> list[Any]:
        """Run one statement, a transaction of its own, and return its rows.

        One that touches very many rows is given its own number of *seconds*, also to wait for locks.

        Raises:
            SQLAlchemyError: as SQLAlchemy itself would.
            TimeoutError: no connection was to be had, or no answer.
        """
        compiled = _compiled(statement)
        arguments = compiled.arguments(parameters)
        try:
            if self._room.locked():
                async with asyncio.timeout(POOL_WAIT_SECONDS):
                    await self._room.acquire()
            else:
                await self._room.acquire()
            metrics.DATABASE_CONNECTIONS.inc()
            try:
                records = await self._fetch(compiled.sql, arguments, seconds)
            finally:
                metrics.DATABASE_CONNECTIONS.dec()
                self._room.release()
        except _DRIVER_ERRORS as fault:
            raise _as_sqlalchemys(fault)(compiled.sql, None, fault) from fault
        return compiled.rows(records)

    async def close(self) -> None:
        """Close all connections, those in use once they are given back."""
        with suppress(TimeoutError):
            async with asyncio.timeout(POOL_WAIT_SECONDS):
                for _ in range(self._size):
                    await self._room.acquire()
        while self._idle:
            await _end(self._idle.pop()[1])

    async def _fetch(self, sql: str, arguments: list[object], seconds: float | None) -> list[Record]:
        connection = self._kept() or await self._connect()
        try:
            if seconds is None:
                records = await connection.fetch(sql, *arguments)
            else:
                records = await _fetch_at_length(connection, sql, arguments, seconds)
        except asyncpg.PostgresError:
            self._idle.append((monotonic(), connection))
            raise
        except BaseException:
            # Something may still be on its way.
            await _end(connection)
            raise
        self._idle.append((monotonic(), connection))
        return records

    def _kept(self) -> Connection | None:
        forgotten = monotonic() - IDLE_SECONDS
        while self._idle and self._idle[0][0] < forgotten:
            self._idle.pop(0)[1].terminate()
        while self._idle:
            connection = self._idle.pop()[1]
            if not connection.is_closed():
                return connection
        return None

    async def _connect(self) -> Connection:
        connection: Connection = await asyncpg.connect(
            **self._address,
            timeout=POOL_WAIT_SECONDS,
            command_timeout=STATEMENT_TIMEOUT_MS / 1000 + 1,
            server_settings=_SERVER_SETTINGS,
        )
        try:
            await connection.set_type_codec("json", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        except BaseException:
            await _end(connection)
            raise
        return connection


def is_forbidden(fault: BaseException) -> bool:
    """Say whether a statement failed because the database's role lacks the right to it."""
    return getattr(getattr(fault, "orig", None), "sqlstate", None) == _INSUFFICIENT_PRIVILEGE


async def _fetch_at_length(connection: Connection, sql: str, arguments: list[object], seconds: float) -> list[Record]:
    limit = f"{int(seconds * 1000)}ms"
    async with connection.transaction():
        await connection.execute(f"SET LOCAL statement_timeout = '{limit}'; SET LOCAL lock_timeout = '{limit}'")
        return await connection.fetch(sql, *arguments, timeout=seconds + 1)


async def _end(connection: Connection) -> None:
    """Close a connection; the server is asked to give up the statement it may be at."""
    with suppress(Exception):
        await connection.close(timeout=POOL_WAIT_SECONDS)


@lru_cache(maxsize=512)
def _compiled(statement: Executable) -> _Compiled:
    compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
    names = compiled.positiontup
    constants = {name: compiled.params[name] for name in names if not compiled.binds[name].required}
    return _Compiled(str(compiled), names, constants)


@lru_cache(maxsize=512)
def _row_type(columns: tuple[str, ...]) -> type[Any]:
    return namedtuple("Row", columns, rename=True)  # noqa: PYI024  the columns are known at run time only


def _as_sqlalchemys(fault: Exception) -> type[DBAPIError]:
    return next((ours for theirs, ours in _FAULTS if isinstance(fault, theirs)), OperationalError)
