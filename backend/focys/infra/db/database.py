"""Database access, with the same statements on PostgreSQL and SQLite.

A write is an atomic list of changes. On PostgreSQL it is sent as one statement, so it costs one round trip and holds
its locks only for the duration of that statement; on SQLite the same statements run in one transaction. A write may
have a guard: an UPDATE that must change a row (a compare-and-set). If it changes none, nothing is written.

    FOUND = Shape(Found, users.c.id, users.c.email)  # Found is a frozen dataclass with the fields id and email
    rows = await database.rows(select(*FOUND.columns))
    found = [FOUND.read(row) for row in rows]
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Delete,
    Insert,
    MetaData,
    Row,
    Select,
    Table,
    Update,
    event,
    func,
    insert,
    select,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from focys.infra.db.charging import Charge, as_one_statement, steps_of
from focys.infra.db.connecting import sqlalchemy_engine
from focys.infra.db.postgres import Postgres
from focys.infra.db.private_file import create_privately
from focys.infra.db.writing import as_counts, as_write
from focys.infra.ops import metrics

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RowT = TypeVar("RowT", bound="DataclassInstance")

SQLITE_BUSY_SECONDS = 5

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC, timezone-aware on both databases (SQLite does not store the time zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC for SQLite."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Add the time zone that SQLite does not store."""
        return value.replace(tzinfo=UTC) if value is not None and dialect.name == "sqlite" else value


@dataclass(frozen=True, slots=True)
class Change:
    """One change: a new row, or a constant UPDATE, DELETE or INSERT … ON CONFLICT with named parameters.

    All statements in a write share one set of parameters, so the same name means the same value. An INSERT statement
    (as opposed to a new row) cannot depend on a guard.
    """

    target: Table | Update | Delete | Insert
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The name of the table it changes."""
        return str(self.target if isinstance(self.target, Table) else self.target.table)


class Shape(Generic[RowT]):
    """The columns of a SELECT and the dataclass for its rows: one column per field, with the same names and order.

    Raises:
        TypeError: the names or their order differ. This catches misspelled columns at import.
    """

    def __init__(self, row_type: type[RowT], *columns: ColumnElement[Any]) -> None:
        expected, found = [f.name for f in fields(row_type)], [c.key for c in columns]
        if found != expected:
            raise TypeError(f"{row_type.__name__} has the fields {expected}, but the columns are {found}")
        self.columns, self._row_type = columns, row_type

    def read(self, row: Sequence[Any], start: int = 0) -> RowT:
        """Return the dataclass read from a row's columns, beginning at *start*; the row may have other columns."""
        return self._row_type(*row[start : start + len(self.columns)])


class Database:
    """Runs statements over a connection pool. Statements are built once, at import, with named parameters."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.engine = _engine(url)
        self._is_sqlite = self.engine.dialect.name == "sqlite"
        self._postgres = None if self._is_sqlite else Postgres(url, pool_size)
        self._after_insert: dict[Table, Callable[[], None]] = {}
        metrics.DATABASE_POOL.set(pool_size)

    def call_after_insert(self, table: Table, call: Callable[[], None]) -> None:
        """Call *call* after each ``write`` in this process with a ``Change`` that is a new row of *table*."""
        self._after_insert[table] = call

    async def first(self, statement: Select[Any] | Insert | Update | Delete, **parameters: object) -> Row[Any] | None:
        """Run one statement and return its first row, or None."""
        rows = await self.rows(statement, **parameters)
        return rows[0] if rows else None

    async def rows(self, statement: Select[Any] | Insert | Update | Delete, **parameters: object) -> Sequence[Row[Any]]:
        """Run one statement and return all its rows."""
        if self._postgres is not None:
            return await self._postgres.fetch(statement, parameters)
        async with self.engine.connect() as connection:
            return (await connection.execute(statement, parameters)).all()

    async def charge(self, charge: Charge, parameters: Mapping[str, object]) -> tuple[Sequence[Any], bool] | None:
        """Return the row of facts and whether it was charged, or None if there is no such row.

        If the facts allow the charge but it was not made, another charge came first.
        """
        if self._postgres is None:
            return await self._charge_in_transaction(charge, parameters)
        rows = await self._postgres.fetch(as_one_statement(charge), parameters)
        return (rows[0], bool(rows[0].is_charged)) if rows else None

    async def write(self, *changes: Change, guard: Change | None = None) -> bool:
        """Make all changes, or none. Return False if the guard changed no row.

        Locks are taken in a fixed order, the same as in ``counts``: the guard's first, then in the order of the
        changes. So the two cannot deadlock.

        Raises:
            ValueError: two changes give a parameter different values, or a change targets the guard's table.
        """
        parameters = _parameters(guard, changes)
        if self._postgres is None:
            done = await self._write_in_transaction(guard, changes) is not None
        else:
            statement = as_write(guard.target if guard else None, tuple((c.target, tuple(c.values)) for c in changes))
            done = bool(await self._postgres.fetch(statement, parameters))
        for table in self._after_insert if done else ():
            if any(change.target is table for change in changes):
                self._after_insert[table]()
        return done

    async def counts(self, *changes: Change, seconds: float | None = None) -> list[int]:
        """Make all of these independent changes, or none; return the number of rows each one changed.

        Locks are taken in the order of the changes. *seconds* replaces PostgreSQL's time limit for large changes.
        """
        parameters = _parameters(None, changes)
        if self._postgres is None:
            return await self._write_in_transaction(None, changes) or []
        statement = as_counts(tuple((c.target, tuple(c.values)) for c in changes))
        [counts] = await self._postgres.fetch(statement, parameters, seconds=seconds)
        return [int(count) for count in counts]

    async def now(self) -> datetime:
        """Return the database's time."""
        # SQLite's CURRENT_TIMESTAMP has whole seconds only, so the time could go backward between two readings.
        with_fraction = func.strftime("%Y-%m-%d %H:%M:%f", "now")
        row = await self.first(select(with_fraction if self._is_sqlite else func.clock_timestamp()))
        assert row is not None  # noqa: S101  a SELECT without FROM has a row
        return datetime.fromisoformat(row[0]).replace(tzinfo=UTC) if self._is_sqlite else row[0]

    async def takes_writes(self) -> bool:
        """Tell whether the database accepts writes; a standby or read-only server does not."""
        if self._is_sqlite:
            return True
        row = await self.first(select(func.current_setting("transaction_read_only")))
        return row is not None and row[0] == "off"

    async def version(self) -> str:
        """Return the database's name and version, such as ``PostgreSQL 16.4``."""
        version = func.sqlite_version() if self._is_sqlite else func.current_setting("server_version")
        row = await self.first(select(version))
        assert row is not None  # noqa: S101  a SELECT without FROM has a row
        return f"{'SQLite' if self._is_sqlite else 'PostgreSQL'} {str(row[0]).split()[0]}"

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
        if self._postgres is not None:
            await self._postgres.close()

    async def _write_in_transaction(self, guard: Change | None, changes: Sequence[Change]) -> list[int] | None:
        """Return the number of rows each change changed, or None if the guard changed none."""
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                if guard is not None and not await _changes_a_row(connection, guard):
                    await connection.exec_driver_sql("ROLLBACK")
                    return None
                counts = [await _run(connection, change) for change in changes]
            except BaseException:
                # If the error closed the connection, it is already rolled back. Don't hide the original error.
                with suppress(SQLAlchemyError):
                    await connection.exec_driver_sql("ROLLBACK")
                raise
            await connection.exec_driver_sql("COMMIT")
            return counts

    async def _charge_in_transaction(
        self, charge: Charge, parameters: Mapping[str, object]
    ) -> tuple[Sequence[Any], bool] | None:
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                row = (await connection.execute(charge.facts, parameters)).first()
                may_charge = row is not None and bool(row.may_charge)
                if row is not None and may_charge:
                    for statement, values in steps_of(charge, {**parameters, **row._mapping}):  # noqa: SLF001  public
                        await connection.execute(statement, values)
            except BaseException:
                with suppress(SQLAlchemyError):
                    await connection.exec_driver_sql("ROLLBACK")
                raise
            await connection.exec_driver_sql("COMMIT")
            return None if row is None else (row, may_charge)


async def _run(connection: AsyncConnection, change: Change) -> int:
    statement = insert(change.target) if isinstance(change.target, Table) else change.target
    return (await connection.execute(statement, dict(change.values))).rowcount


async def _changes_a_row(connection: AsyncConnection, guard: Change) -> bool:
    return await _run(connection, guard) > 0


def _parameters(guard: Change | None, changes: Sequence[Change]) -> dict[str, Any]:
    merged: dict[str, Any] = dict(guard.values) if guard else {}
    guarded = None if guard is None or isinstance(guard.target, Table) else guard.target.table
    for i, change in enumerate(changes):
        if isinstance(change.target, Table):
            merged.update({f"c{i}_{name}": value for name, value in change.values.items()})
            continue
        if change.target.table is guarded:
            # PostgreSQL changes a row only once per statement and would silently skip the second change.
            raise ValueError(f"the guard already changes {guarded}; make this change in the guard, too")
        for name, value in change.values.items():
            if merged.setdefault(name, value) != value:
                raise ValueError(f"two changes of one write disagree about {name}")
    return merged


def _engine(url: str) -> AsyncEngine:
    """Return SQLAlchemy's engine. On PostgreSQL the service does not use it, so it opens no connection."""
    if not url.startswith("sqlite"):
        return sqlalchemy_engine(url, isolation_level="AUTOCOMMIT")
    engine = create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": SQLITE_BUSY_SECONDS},
        pool_reset_on_return=None,
    )
    create_privately(engine.sync_engine)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "checkout", lambda *_: metrics.DATABASE_CONNECTIONS.inc())
    event.listen(engine.sync_engine, "checkin", lambda *_: metrics.DATABASE_CONNECTIONS.dec())
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    # FULL, because a used code must still be marked as used after a power failure.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
