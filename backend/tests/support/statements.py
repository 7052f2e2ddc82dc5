"""What the database is asked: each statement as it is sent, on PostgreSQL as on SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from focys.infra.db.database import Database


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """Listen meanwhile."""
    heard: list[str] = []
    if database._postgres is None:
        engine = database.engine.sync_engine

        def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            heard.append(statement)

        event.listen(engine, "before_cursor_execute", hear)
        try:
            yield heard
        finally:
            event.remove(engine, "before_cursor_execute", hear)
        return

    fetch = database._postgres.fetch

    async def fetch_and_tell(statement: Any, parameters: Any, *, seconds: float | None = None) -> list[Any]:
        heard.append(str(statement))
        return await fetch(statement, parameters, seconds=seconds)

    database._postgres.fetch = fetch_and_tell  # type: ignore[method-assign]
    try:
        yield heard
    finally:
        database._postgres.fetch = fetch  # type: ignore[method-assign]
