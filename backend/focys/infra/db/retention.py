"""How long expired rows are kept."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Column, bindparam, delete

from focys.infra.db.database import Change

Deletion = Callable[[datetime], Change]
"""Given the time, returns the change that deletes rows no decision depends on."""


def kept_for(column: Column[datetime], length: timedelta) -> Deletion:
    """Return the deletion of rows whose *column* is older than *length*."""
    statement = delete(column.table).where(column < bindparam("deleted_before"))
    return lambda now: Change(statement, {"deleted_before": now - length})
