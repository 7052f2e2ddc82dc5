"""PostgreSQL through its driver. SQLAlchemy only compiles each statement, once.

If SQLAlchemy also executed them, the two statements of a TOTP step would cost as much as the rest of the step.
"""

import asyncio
import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.sql.expression import Executable

from focys.infra.db.connecting import Connection, Hosts, Record
from focys.infra.ops import metrics

STATEMENT_TIMEOUT_MS = 3000
LOCK_TIMEOUT_MS = 1000
POOL_WAIT_SECONDS = 2
CONFLICT_TRIES = 3
IDLE_SECONDS = 300
"""A firewall may drop a connection that is idle for longer, without telling either side."""
_INSUFFICIENT_PRIVILEGE = "42501"

_DIALECT: Any = dialect()  # type: ignore[no-untyped-call]
_LIMITS = {"statement_timeout": f"{STATEMENT_TIMEOUT_MS // 1000}s", "lock_timeout": f"{LOCK_TIMEOUT_MS // 1000}s"}
_SERVER_SETTINGS = {
    **_LIMITS,
    # Compare-and-set needs no more, and the database may have another default.
    "default_transaction_isolation": "read committed",
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
        self._hosts = Hosts(url)
        self._is_pooled = False
        """Whether we reach the server through a pooler such as PgBouncer, which takes no settings for a connection."""
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
        compiled = compiled_once(statement)
        arguments = compiled.arguments(parameters)
        try:
            if self._room.locked():
                async with asyncio.timeout(POOL_WAIT_SECONDS):
                    await self._room.acquire()
            else:
                await self._room.acquire()
            metrics.DATABASE_CONNECTIONS.inc()
            try:
                records = await self._fetch_again_after_conflicts(compiled.sql, arguments, seconds)
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

    async def _fetch_again_after_conflicts(
        self, sql: str, arguments: list[object], seconds: float | None
    ) -> list[Record]:
        for _ in range(CONFLICT_TRIES - 1):
            with suppress(asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                return await self._fetch(sql, arguments, seconds)
        return await self._fetch(sql, arguments, seconds)

    async def _fetch(self, sql: str, arguments: list[object], seconds: float | None) -> list[Record]:
        connection = self._take_idle() or await self._connect()
        try:
            if seconds is None and not self._is_pooled:
                records = await connection.fetch(sql, *arguments)
            else:
                records = await _fetch_in_transaction(connection, sql, arguments, seconds)
        except (asyncpg.ReadOnlySQLTransactionError, TimeoutError):
            # This server was the primary, or is silent. Another of the hosts may accept writes now, or this one later.
            for _, other in (*self._idle, (0, connection)):
                other.terminate()
            self._idle.clear()
            raise
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
        if not self._is_pooled:
            try:
                connection = await self._open(_SERVER_SETTINGS)
            except asyncpg.ProtocolViolationError:
                self._is_pooled = True  # PgBouncer refuses settings that it does not know
            else:
                [[timeout]] = await connection.fetch("SELECT pg_catalog.current_setting('statement_timeout')")
                if timeout == _LIMITS["statement_timeout"]:
                    return connection
                self._is_pooled = True
                await _close(connection)
        return await self._open({})

    async def _open(self, settings: Mapping[str, str]) -> Connection:
        connection = await self._hosts.connect(
            seconds=POOL_WAIT_SECONDS,
            command_timeout=STATEMENT_TIMEOUT_MS / 1000 + 1,
            server_settings={"application_name": "focys", "timezone": "UTC", **settings},
            # A pooler's next transaction may run on another connection, where nothing is prepared.
            statement_cache_size=0 if self._is_pooled else 100,
        )
        try:
            async with connection.transaction():
                await connection.set_type_codec("json", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        except BaseException:
            await _close(connection)
            raise
        return connection


def is_forbidden(fault: BaseException) -> bool:
    """Tell whether a statement failed because the database role lacks the permission."""
    return getattr(getattr(fault, "orig", None), "sqlstate", None) == _INSUFFICIENT_PRIVILEGE


async def _fetch_in_transaction(
    connection: Connection, sql: str, arguments: list[object], seconds: float | None
) -> list[Record]:
    """Fetch with all settings set for this transaction only, and with other limits if *seconds* is given."""
    limit = {} if seconds is None else dict.fromkeys(_LIMITS, f"{int(seconds * 1000)}ms")
    settings = {**_SERVER_SETTINGS, **limit}
    async with connection.transaction(isolation="read_committed"):
        await connection.execute("; ".join(f"SET LOCAL {name} = '{value}'" for name, value in settings.items()))
        return await connection.fetch(sql, *arguments, timeout=None if seconds is None else seconds + 1)


async def _close(connection: Connection) -> None:
    """Close a connection, canceling the statement it may be running."""
    with suppress(Exception):
        await connection.close(timeout=POOL_WAIT_SECONDS)


@lru_cache(maxsize=512)
def compiled_once(statement: Executable) -> _Compiled:
    """Return a statement in PostgreSQL's dialect."""
    compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
    names = compiled.positiontup
    constants = {name: compiled.params[name] for name in names if not compiled.binds[name].required}
    return _Compiled(str(compiled), names, constants)


@lru_cache(maxsize=512)
def _row_type(columns: tuple[str, ...]) -> type[Any]:
    return namedtuple("Row", columns, rename=True)  # noqa: PYI024  the columns are only known at run time


def _sqlalchemy_error(fault: Exception) -> type[DBAPIError]:
    return next((ours for theirs, ours in _FAULTS if isinstance(fault, theirs)), OperationalError)
