"""PostgreSQL through its driver. SQLAlchemy only compiles each statement, once.

If SQLAlchemy also executed them, the two statements of a TOTP step would cost as much as the rest of the step.
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
"""A firewall may drop a connection that is idle for longer, without telling either side."""
_INSUFFICIENT_PRIVILEGE = "42501"

_DIALECT: Any = dialect()  # type: ignore[no-untyped-call]
_SERVER_SETTINGS = {
    "application_name": "focys",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "timezone": "UTC",
    # Every statement looks up rows by key, so one plan fits all values. Without enable_seqscan=off, a plan made while a
    # table is almost empty would scan the whole table until the next ANALYZE.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    # enable_seqscan=off inflates the cost of plans that need a sequential scan, but they are not worth compiling.
    "jit": "off",
}
# Caused by our code or the data. Any other error means that the database is unavailable.
_FAULTS = (
    (asyncpg.IntegrityConstraintViolationError, IntegrityError),
    (asyncpg.DataError, DataError),
    (asyncpg.SyntaxOrAccessError, ProgrammingError),
)
# The driver raises the last one when the server has just closed the connection.
_DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def connect_arguments(url: str) -> dict[str, Any]:
    """Return the arguments of the driver's ``connect`` for one of our URLs."""
    arguments: dict[str, Any] = _DIALECT.create_connect_args(make_url(url))[1]
    return arguments


class Record(Protocol):
    """A row from the driver."""

    def keys(self) -> Iterable[str]: ...
    def __iter__(self) -> Iterator[object]: ...


class Connection(Protocol):
    """The part of the driver's connection that we use; the driver has no type hints."""

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
    """A compiled statement: its parameters in order, its constants, and its row type."""

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
    """A connection pool; connections are opened on demand and kept.

    Our statements change no connection state. The driver's own pool cannot know that and resets a connection after each
    use, which would cost 8 % of a TOTP step's instructions.
    """

    def __init__(self, url: str, pool_size: int) -> None:
        self._address = connect_arguments(url)
        self._size = pool_size
        self._room = asyncio.Semaphore(pool_size)
        self._idle: list[tuple[float, Connection]] = []
        """The time each connection became idle, and the connection; longest idle first."""

    async def fetch(
        self, statement: Executable, parameters: Mapping[str, Any], *, seconds: float | None = None
    ) -> list[Any]:
        """Run one statement in its own transaction and return its rows.

        *seconds* replaces the usual limits on running and on waiting for locks, for statements that touch many rows.

        Raises:
            SQLAlchemyError: as SQLAlchemy itself would.
            TimeoutError: no connection was free, or the server did not respond.
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
            raise _sqlalchemy_error(fault)(compiled.sql, None, fault) from fault
        return compiled.rows(records)

    async def close(self) -> None:
        """Close all connections; those in use are closed once they are returned."""
        with suppress(TimeoutError):
            async with asyncio.timeout(POOL_WAIT_SECONDS):
                for _ in range(self._size):
                    await self._room.acquire()
        while self._idle:
            await _close(self._idle.pop()[1])

    async def _fetch(self, sql: str, arguments: list[object], seconds: float | None) -> list[Record]:
        connection = self._take_idle() or await self._connect()
        try:
            if seconds is None:
                records = await connection.fetch(sql, *arguments)
            else:
                records = await _fetch_with_limit(connection, sql, arguments, seconds)
        except asyncpg.PostgresError:
            self._idle.append((monotonic(), connection))
            raise
        except BaseException:
            # The server may still send data on this connection, so it cannot be reused.
            await _close(connection)
            raise
        self._idle.append((monotonic(), connection))
        return records

    def _take_idle(self) -> Connection | None:
        oldest = monotonic() - IDLE_SECONDS
        while self._idle and self._idle[0][0] < oldest:
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
            await _close(connection)
            raise
        return connection


def is_forbidden(fault: BaseException) -> bool:
    """Tell whether a statement failed because the database role lacks the permission."""
    return getattr(getattr(fault, "orig", None), "sqlstate", None) == _INSUFFICIENT_PRIVILEGE


async def _fetch_with_limit(connection: Connection, sql: str, arguments: list[object], seconds: float) -> list[Record]:
    limit = f"{int(seconds * 1000)}ms"
    async with connection.transaction():
        await connection.execute(f"SET LOCAL statement_timeout = '{limit}'; SET LOCAL lock_timeout = '{limit}'")
        return await connection.fetch(sql, *arguments, timeout=seconds + 1)


async def _close(connection: Connection) -> None:
    """Close a connection, canceling the statement it may be running."""
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
    return namedtuple("Row", columns, rename=True)  # noqa: PYI024  the columns are only known at run time


def _sqlalchemy_error(fault: Exception) -> type[DBAPIError]:
    return next((ours for theirs, ours in _FAULTS if isinstance(fault, theirs)), OperationalError)
