"""One way to read and one way to write, with the same statements on PostgreSQL and SQLite.

A write is a list of changes that happen together or not at all. On PostgreSQL it is sent as one statement, so it costs
one round trip and holds its locks for as long as that takes; on SQLite the same statements run inside one transaction.
A write may have a guard: an UPDATE that must change a row (a compare-and-set). Where it changes none, nothing happens.

    FOUND = Shape(Found, users.c.id, users.c.email)  # and Found is a frozen dataclass with the fields id and email
    rows = await database.rows(select(*FOUND.columns))
    found = [FOUND.read(row) for row in rows]
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import (
    CTE,
    ColumnElement,
    DateTime,
    Delete,
    Insert,
    MetaData,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    event,
    exists,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from focys.infra.db.charging import Charge, as_one_statement, steps_of
from focys.infra.db.postgres import Postgres
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
    """A moment in UTC, aware on both databases (SQLite itself forgets the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read UTC."""
        return value.replace(tzinfo=UTC) if value is not None and dialect.name == "sqlite" else value


@dataclass(frozen=True, slots=True)
class Change:
    """One change to be written: a new row, or a constant UPDATE, DELETE or INSERT … ON CONFLICT with named parameters.

    Parameters of the statements of one write share their names: the same name means the same value. An INSERT of one's
    own takes no guard.
    """

    target: Table | Update | Delete | Insert
    values: Mapping[str, Any] = field(default_factory=dict)


class Shape(Generic[RowT]):
    """The columns of a SELECT and the dataclass for its rows: one for each field, in order and under its name.

    Raises:
        TypeError: their names or order differ; this finds a misspelled column at import.
    """

    def __init__(self, row_type: type[RowT], *columns: ColumnElement[Any]) -> None:
        expected, found = [f.name for f in fields(row_type)], [c.key for c in columns]
        if found != expected:
            raise TypeError(f"{row_type.__name__} has the fields {expected}, and is to be read from {found}")
        self.columns, self._row_type = columns, row_type

    def read(self, row: Sequence[Any], start: int = 0) -> RowT:
        """Return the dataclass read from a row's columns from *start* on; other columns may precede and follow."""
        return self._row_type(*row[start : start + len(self.columns)])


class Database:
    """The connection pool and the two verbs. Statements are built once, at import, and carry named parameters."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.engine = _engine(url)
        self._is_sqlite = self.engine.dialect.name == "sqlite"
        self._postgres = None if self._is_sqlite else Postgres(url, pool_size)
        self._after_insert: dict[Table, Callable[[], None]] = {}
        metrics.DATABASE_POOL.set(pool_size)

    def call_after_insert(self, table: Table, call: Callable[[], None]) -> None:
        """Make a call whenever a write that inserted a row into *table* is committed in this process."""
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

        If the facts allow the charge and it was not made, another one came first.
        """
        if self._postgres is None:
            return await self._charge_in_turn(charge, parameters)
        rows = await self._postgres.fetch(as_one_statement(charge), parameters)
        return (rows[0], bool(rows[0].is_charged)) if rows else None

    async def write(self, *changes: Change, guard: Change | None = None) -> bool:
        """Make all changes, or none. Return False if the guard changed no row.

        Rows are locked in the order of the changes, behind the guard's, as ``counts`` does it: so the two wait for each
        other and never in a circle.

        Raises:
            ValueError: two changes give one parameter different values, or one changes the guard's own table.
        """
        parameters = _parameters(guard, changes)
        if self._postgres is None:
            done = await self._in_turn(guard, changes) is not None
        else:
            statement = _as_one_statement(
                guard.target if guard else None, tuple((c.target, tuple(c.values)) for c in changes)
            )
            done = bool(await self._postgres.fetch(statement, parameters))
        for table in self._after_insert if done else ():
            if any(change.target is table for change in changes):
                self._after_insert[table]()
        return done

    async def counts(self, *changes: Change, seconds: float | None = None) -> list[int]:
        """Make changes that do not depend on each other, or none of them; return how many rows each changed.

        Rows are locked in the order of the changes, and on PostgreSQL those of very many rows may take *seconds*.
        """
        parameters = _parameters(None, changes)
        if self._postgres is None:
            return await self._in_turn(None, changes) or []
        statement = _as_counts(tuple((c.target, tuple(c.values)) for c in changes))
        [counts] = await self._postgres.fetch(statement, parameters, seconds=seconds)
        return [int(count) for count in counts]

    async def now(self) -> datetime:
        """Return the database's own time."""
        # What SQLite calls now() knows no parts of a second, so that the time would go back between two readings.
        in_parts = func.strftime("%Y-%m-%d %H:%M:%f", "now")
        row = await self.first(select(in_parts if self._is_sqlite else func.clock_timestamp()))
        assert row is not None  # noqa: S101  a SELECT without FROM has a row
        return datetime.fromisoformat(row[0]).replace(tzinfo=UTC) if self._is_sqlite else row[0]

    async def takes_writes(self) -> bool:
        """Tell whether writes are accepted; a standby or read-only server answers queries only."""
        if self._is_sqlite:
            return True
        row = await self.first(select(func.current_setting("transaction_read_only")))
        return row is not None and row[0] == "off"

    async def version(self) -> str:
        """Return what the database is, such as ``PostgreSQL 16.4``."""
        asked = func.sqlite_version() if self._is_sqlite else func.current_setting("server_version")
        row = await self.first(select(asked))
        assert row is not None  # noqa: S101  a SELECT without FROM has a row
        return f"{'SQLite' if self._is_sqlite else 'PostgreSQL'} {str(row[0]).split()[0]}"

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()
        if self._postgres is not None:
            await self._postgres.close()

    async def _in_turn(self, guard: Change | None, changes: Sequence[Change]) -> list[int] | None:
        """Return how many rows each change changed, or None if the guard changed none."""
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                if guard is not None and not await _changes_a_row(connection, guard):
                    await connection.exec_driver_sql("ROLLBACK")
                    return None
                counts = [await _run(connection, change) for change in changes]
            except BaseException:
                # A connection that the fault itself has closed is rolled back already; only the fault may be told.
                with suppress(SQLAlchemyError):
                    await connection.exec_driver_sql("ROLLBACK")
                raise
            await connection.exec_driver_sql("COMMIT")
            return counts

    async def _charge_in_turn(
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


@lru_cache(maxsize=512)
def _as_one_statement(
    guard: Update | None, changes: tuple[tuple[Table | Update | Delete | Insert, tuple[str, ...]], ...]
) -> Select[Any]:
    """Compose ``WITH guard AS (UPDATE …), change_1 AS (…), change_0 AS (…) SELECT``; all depend on the guard's row."""
    gate = guard.returning(literal(1).label("open")).cte("guard") if guard is not None else None
    steps = [_step(i, target, names, gate) for i, (target, names) in enumerate(changes)]
    head = select(gate.c.open) if gate is not None else select(literal(1))
    # PostgreSQL begins with the last change that nothing else reads.
    return head.add_cte(*reversed(steps))


@lru_cache(maxsize=512)
def _as_counts(changes: tuple[tuple[Table | Update | Delete | Insert, tuple[str, ...]], ...]) -> Select[Any]:
    """Compose ``WITH change_0 AS (…), … SELECT`` the rows of each; PostgreSQL counts them, and so works, in turn."""
    steps = [_counted(i, target, names) for i, (target, names) in enumerate(changes)]
    return select(*(select(func.count()).select_from(step).scalar_subquery() for step in steps))


def _counted(i: int, target: Table | Update | Delete | Insert, names: tuple[str, ...]) -> CTE:
    if isinstance(target, Table):
        target = insert(target).values({name: bindparam(f"c{i}_{name}") for name in names})
    return target.returning(literal(1)).cte(f"change_{i}")


def _step(i: int, target: Table | Update | Delete | Insert, names: tuple[str, ...], gate: CTE | None) -> CTE:
    if isinstance(target, Table):
        row = select(*(bindparam(f"c{i}_{name}", type_=target.c[name].type) for name in names))
        source = row if gate is None else row.select_from(gate)
        return insert(target).from_select(list(names), source, include_defaults=False).cte(f"change_{i}")
    if gate is None:
        return target.cte(f"change_{i}")
    if isinstance(target, Insert):
        raise TypeError("an INSERT with values of its own cannot depend on a guard")
    return target.where(exists(select(gate.c.open))).cte(f"change_{i}")


def _parameters(guard: Change | None, changes: Sequence[Change]) -> dict[str, Any]:
    merged: dict[str, Any] = dict(guard.values) if guard else {}
    guarded = None if guard is None or isinstance(guard.target, Table) else guard.target.table
    for i, change in enumerate(changes):
        if isinstance(change.target, Table):
            merged.update({f"c{i}_{name}": value for name, value in change.values.items()})
            continue
        if change.target.table is guarded:
            # PostgreSQL changes a row once in a statement, and would leave the second change out without a word.
            raise ValueError(f"the guard changes {guarded} already; let it make this change, too")
        for name, value in change.values.items():
            if merged.setdefault(name, value) != value:
                raise ValueError(f"two changes of one write disagree about {name}")
    return merged


def _engine(url: str) -> AsyncEngine:
    """Return SQLAlchemy's engine; on PostgreSQL the service itself has no use for it, and no connection is made."""
    if not url.startswith("sqlite"):
        return create_async_engine(url, isolation_level="AUTOCOMMIT")
    engine = create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": SQLITE_BUSY_SECONDS},
        pool_reset_on_return=None,
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "checkout", lambda *_: metrics.DATABASE_CONNECTIONS.inc())
    event.listen(engine.sync_engine, "checkin", lambda *_: metrics.DATABASE_CONNECTIONS.dec())
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    # FULL: a burned code must still be burned after a power cut.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
