"""Combines the changes of a write into one PostgreSQL statement."""

from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, Delete, Insert, Select, Table, Update, bindparam, exists, func, insert, literal, select


@lru_cache(maxsize=512)
def as_write(
    guard: Update | Delete | None, changes: tuple[tuple[Table | Update | Delete | Insert, tuple[str, ...]], ...]
) -> Select[Any]:
    """Build ``WITH guard AS (UPDATE …), change_1 AS (…), change_0 AS (…) SELECT``; all depend on the guard's row."""
    gate = guard.returning(literal(1).label("open")).cte("guard") if guard is not None else None
    steps = [_step(i, target, names, gate) for i, (target, names) in enumerate(changes)]
    head = select(gate.c.open) if gate is not None else select(literal(1))
    # Reversed because PostgreSQL runs CTEs that nothing reads from last to first.
    return head.add_cte(*reversed(steps))


@lru_cache(maxsize=512)
def as_counts(changes: tuple[tuple[Table | Update | Delete | Insert, tuple[str, ...]], ...]) -> Select[Any]:
    """Build ``WITH change_0 AS (…), … SELECT`` with the row count of each; PostgreSQL runs them in that order."""
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
        raise TypeError("an INSERT statement cannot depend on a guard; pass the table and the row's values")
    return target.where(exists(select(gate.c.open))).cte(f"change_{i}")
