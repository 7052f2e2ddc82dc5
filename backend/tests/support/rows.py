"""What stands in the database, for tests that look behind the responses."""

from typing import Any

from sqlalchemy import Table, func, select, text

from focys.infra.db.database import Database
from tests.support.service import World


def is_sqlite(database: Database) -> bool:
    return database.engine.dialect.name == "sqlite"


async def rows_of(world: World, table: Table) -> list[Any]:
    """Every row of a table."""
    return list(await world.services.database.rows(select(table)))


async def count_of(world: World, table: Table) -> int:
    """How many rows a table has."""
    row = await world.services.database.first(select(func.count()).select_from(table))
    assert row is not None
    return int(row[0])


async def execute(world: World, statement: str) -> None:
    """Run SQL of the test's own, as an operator at the database would."""
    async with world.services.database.engine.connect() as connection:
        await connection.execute(text(statement))


async def refuse_rows(world: World, table: Table) -> None:
    """Make the database refuse every new row of a table, as if the right to insert had been revoked."""
    name = f"no_{table.name}"
    if is_sqlite(world.services.database):
        await execute(
            world,
            f"CREATE TRIGGER {name} BEFORE INSERT ON {table.name} BEGIN SELECT RAISE(ABORT, 'no more {table.name}'); END",
        )
        return
    await execute(
        world,
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'no more {table.name}'; END $$",
    )
    await execute(world, f"CREATE TRIGGER {name} BEFORE INSERT ON {table.name} FOR EACH ROW EXECUTE FUNCTION {name}()")


async def allow_rows(world: World, table: Table) -> None:
    """Let the database accept them again."""
    on = "" if is_sqlite(world.services.database) else f" ON {table.name}"
    await execute(world, f"DROP TRIGGER no_{table.name}{on}")
