"""Rows and values as output: a table on a terminal, full values separated by tabs in a pipe, JSON with ``--json``."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from focys.cli.console import err, out
from focys.domain.plain_text import printable

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Column(Generic[RowT]):
    """A column: its title, a row's text, and the color of that text on a terminal."""

    title: str
    text: Callable[[RowT], str]
    color: Callable[[RowT], str] = lambda _: ""


def print_list(
    rows: Sequence[RowT],
    columns: Sequence[Column[RowT]],
    *,
    as_json: bool,
    nothing: str,
    record: Callable[[RowT], object] = lambda row: row,
) -> None:
    """Print rows as a table or as a JSON array of records; *nothing* says on standard error that there are none."""
    if as_json:
        print_json([record(row) for row in rows])
        return
    if rows or not is_terminal():
        print_rows(rows, columns)
    if not rows:
        err.print(nothing, markup=False)


def print_rows(rows: Sequence[RowT], columns: Sequence[Column[RowT]]) -> None:
    """Print a table. In a pipe, each row is one line of full values, separated by tabs."""
    if not is_terminal():
        for line in ([column.title for column in columns], *([c.text(row) for c in columns] for row in rows)):
            print("\t".join(map(_one_line, line)))
        return
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(column.title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_one_line(column.text(row)), style=column.color(row)) for column in columns))
    out.print(table, soft_wrap=False)


def print_values(values: Mapping[str, str]) -> None:
    """Print one thing: each value next to its name. In a pipe, a tab separates the two."""
    if not is_terminal():
        for name, text in values.items():
            print(f"{name}\t{_one_line(text)}")
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in values.items():
        table.add_row(name, Text(_one_line(text)))
    out.print(table, soft_wrap=False)


def print_json(value: object) -> None:
    """Print a value as JSON: ASCII only, so that it reads the same in every locale."""
    print(json.dumps(_plain(value), indent=2))


def is_terminal() -> bool:
    """Tell whether a person reads standard output; FORCE_COLOR does not make a pipe a terminal."""
    return sys.stdout.isatty()


def day(moment: datetime) -> str:
    """Return a date in UTC."""
    return f"{moment:%Y-%m-%d}"


def minute(moment: datetime) -> str:
    """Return a time in UTC, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M}"


def _one_line(text: str) -> str:
    return printable(text).replace("\n", "?")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
