"""What the database is asked: each statement as it is sent, on PostgreSQL as on SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from focys.infra.db.database import Database
from focys.infra.db.postgres import Postgres


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """Listen meanwhile."""
    heard: list[str] = []
    engine, fetch = database.engine.sync_engine, Postgres.fetch

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        heard.append(statement)

    async def fetch_and_tell(connections: Postgres, statement: Any, *rest: Any, **options: Any) -> list[Any]:
        heard.append(str(statement))
        return await fetch(connections, statement, *rest, **options)

    event.listen(engine, "before_cursor_execute", hear)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Postgres, "fetch", fetch_and_tell)
            yield heard
    finally:
        event.remove(engine, "before_cursor_execute", hear)
