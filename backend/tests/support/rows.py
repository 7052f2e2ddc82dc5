"""What stands in the database, for tests that look behind the answers."""

from typing import Any

from sqlalchemy import Table, func, select, text

from tests.support.service import World


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
