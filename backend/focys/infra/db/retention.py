"""How long expired rows are kept."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Column, bindparam, delete

from focys.infra.db.database import Change

Deletion = Callable[[datetime], Change]
"""Given the current time, returns the change that deletes the rows that no longer affect any decision."""


def kept_for(column: Column[datetime], length: timedelta) -> Deletion:
    """Return the deletion of the rows whose *column* is older than *length*."""
    statement = delete(column.table).where(column < bindparam("deleted_before"))
    return lambda now: Change(statement, {"deleted_before": now - length})
