"""An SQL function that returns a list of times in one column, on both databases."""

import json
from datetime import UTC, datetime

from sqlalchemy import Dialect, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


class _Moments(TypeDecorator[list[datetime]]):
    """The result of ``moments``: a list on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> list[datetime]:  # noqa: ARG002
        """Parse SQLite's JSON."""
        return [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in json.loads(value or "[]")]


class moments(FunctionElement[list[datetime]]):  # noqa: N801  a function in SQL
    """Aggregate times into a list, in no particular order; None or empty if there are none."""

    type = _Moments()
    inherit_cache = True


@compiles(moments)
def _aggregated(element: "moments", compiler: SQLCompiler, **options: bool) -> str:
    return f"array_agg({compiler.process(element.clauses, **options)})"


@compiles(moments, "sqlite")
def _aggregated_as_json(element: "moments", compiler: SQLCompiler, **options: bool) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"
