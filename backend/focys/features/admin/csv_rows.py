"""Reads the people in a CSV file, and says what is wrong with each row."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from focys.features.accounts import AccountError, InvalidAddressError, canonical_address, check_name

MAX_ROWS = 100_000
_COLUMNS = ("email", "name", "role")
_DELIMITERS = ",;\t"
_SEPARATOR_LINE = re.compile(rf'"?sep=([{_DELIMITERS}])"?\r?\n', re.IGNORECASE)
"""What spreadsheets write, and hide, above the first row."""


@dataclass(frozen=True, slots=True)
class Row:
    """Someone to create an account for; ``number`` is the row's in a spreadsheet, ``email`` is canonical."""

    number: int
    email: str
    name: str
    role: Literal["user", "admin"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a row; ``column`` is empty if it is the whole row."""

    row: int
    column: str
    message: str


def read_rows(text: str) -> tuple[list[Row], list[Problem]]:
    """Return the rows of a CSV file and the problems with the others.

    The first row names the columns: ``email``, and optionally ``name`` and ``role`` (``user`` or ``admin``), in any
    order, separated by commas, semicolons or tabs. A line such as ``sep=;`` may come before it.
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    first_rows: dict[str, int] = {}
    for found in _read(text):
        if isinstance(found, Row):
            first = first_rows.setdefault(found.email, found.number)
            if first == found.number:
                rows.append(found)
                continue
            found = Problem(found.number, "email", f"The same address as in row {first}.")  # noqa: PLW2901
        problems.append(found)
    return rows, problems


def _read(text: str) -> Iterator[Row | Problem]:
    separator = _SEPARATOR_LINE.match(text)
    table = text[separator.end() :] if separator else text
    delimiter = separator[1] if separator else max(_DELIMITERS, key=table.partition("\n")[0].count)
    reader = csv.reader(StringIO(table, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        number = 1
        unknown = [name for name in names if name not in _COLUMNS]
        if "email" not in names or unknown or len(set(names)) < len(names):
            yield Problem(1, "", "The first row names the columns: email, and optionally name and role.")
            return
        for cells in reader:
            number += 1
            if number > MAX_ROWS + 1:
                yield Problem(number, "", f"A file has at most {MAX_ROWS:,} rows.")
                return
            if any(cell.strip() for cell in cells):
                yield _row(number, names, cells)
    except csv.Error as fault:
        yield Problem(number + 1, "", f"This is not CSV ({fault}).")


def _row(number: int, names: list[str], cells: list[str]) -> Row | Problem:
    if len(cells) != len(names):
        return Problem(number, "", f"There are {len(names)} columns, but this row has {len(cells)}.")
    values = {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
    name, role = values.get("name", ""), values.get("role", "").lower() or "user"
    try:
        email = canonical_address(values["email"])
    except InvalidAddressError as fault:
        return Problem(number, "email", str(fault))
    try:
        check_name(name)
    except AccountError as fault:
        return Problem(number, "name", str(fault))
    if role not in {"user", "admin"}:
        return Problem(number, "role", "A role is user or admin.")
    return Row(number, email, name, "admin" if role == "admin" else "user")
