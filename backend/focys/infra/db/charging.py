"""Charges: one statement reads the facts and writes the charge.

PostgreSQL reads the facts as of the start of the statement, and another charge may commit after that. Therefore a
charge increments a counter by compare-and-set, and is not made if the counter has changed since. SQLite runs the same
steps in one transaction.

A charge is visible to everyone immediately, but need not wait for the disk. The result does wait, and comes later in
the same log, so once the result is on disk, the charge is too. If PostgreSQL crashes in between, the charge is lost and
the account is as it was before. That is why writing the result requires the charged row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, get_type_hints
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    exists,
    func,
    insert,
    literal,
    select,
    true,
    update,
)


@dataclass(frozen=True, eq=False, slots=True)
class Charge:
    """The facts to read, and the rows to write if the facts allow it.

    Attributes:
        facts: the query. Its column ``may_charge`` says whether to charge, ``user_id`` identifies the row that contains
            ``version``, and a column named like ``version`` contains the value read.
        version: the counter that every charge increments.
        rows: the rows to insert: for each column of a table, the label of a fact or the name of a parameter.
        raised: other counters to increment, each with the label of the fact that holds its row's ID.
        rows_if: the label of a fact; the rows are inserted only if it is true. If None, they always are.
        is_durable: whether to wait until the charge is on disk.
    """

    facts: Select[Any]
    version: Column[int]
    rows: Mapping[Table, Mapping[str, str]] = field(default_factory=dict)
    raised: Mapping[Column[int], str] = field(default_factory=dict)
    rows_if: str | None = None
    is_durable: bool = True


def steps_of(charge: Charge, known: Mapping[str, Any]) -> list[tuple[Update | Insert, dict[str, Any]]]:
    """Return the statements of a charge in order, each with its values."""
    counters = {charge.version: "user_id", **charge.raised}
    rows = charge.rows if charge.rows_if is None or known[charge.rows_if] else {}
    return [
        *((_raised(column, bindparam("the_row")), {"the_row": known[label]}) for column, label in counters.items()),
        *(
            (insert(table), {name: known[source] for name, source in columns.items()})
            for table, columns in rows.items()
        ),
    ]


def require(statement: Select[Any], parameters: type[Any]) -> None:
    """Check that a TypedDict supplies every parameter of a statement.

    Raises:
        TypeError: one is missing. This catches misspelled parameters at startup.
    """
    compiled = statement.compile()
    missing = {name for name in compiled.params if compiled.binds[name].required} - {*get_type_hints(parameters)}
    if missing:
        raise TypeError(f"{parameters.__name__} lacks {', '.join(sorted(missing))}")


@lru_cache(maxsize=64)
def as_one_statement(charge: Charge) -> Select[Any]:
    """Build ``WITH facts AS (SELECT …), gate AS (UPDATE …), … SELECT`` with the facts and whether it was charged."""
    facts, version = charge.facts.cte("facts"), charge.version
    gate = (
        _raised(version, facts.c.user_id)
        .where(version == facts.c[version.key], facts.c.may_charge)
        .returning(literal(value=True).label("is_charged"))
        .cte("gate")
    )
    rows = [
        insert(table)
        .from_select(
            list(columns),
            select(
                *(
                    facts.c[source] if source in facts.c else bindparam(source, type_=table.c[name].type)
                    for name, source in columns.items()
                )
            )
            .select_from(facts.join(gate, true()))
            .where(facts.c[charge.rows_if] if charge.rows_if is not None else true()),
            include_defaults=False,
        )
        .cte(f"row_{i}")
        for i, (table, columns) in enumerate(charge.rows.items())
    ]
    counters = [
        _raised(counter, facts.c[label]).where(exists(select(gate.c.is_charged))).cte(f"counter_{i}")
        for i, (counter, label) in enumerate(charge.raised.items())
    ]
    columns: list[Any] = [facts, gate.c.is_charged]
    if not charge.is_durable:
        columns.append(func.set_config("synchronous_commit", "off", true()).label("synchronous_commit"))
    return select(*columns).select_from(facts.outerjoin(gate, true())).add_cte(*rows, *counters)


def _raised(counter: Column[int], row_id: ColumnElement[UUID]) -> Update:
    return update(counter.table).where(counter.table.c.id == row_id).values({counter: counter + 1})
