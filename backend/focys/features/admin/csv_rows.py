"""Reads the people in a CSV file, and says what is wrong with each row."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from focys.features.accounts import AccountError, InvalidAddressError, canonical_address, check_name

MAX_ROWS = 100_000
_COLUMNS = ("email", "name", "role")
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Row:
    """Someone to create an account for; ``email`` is canonical."""

    line: int
    email: str
    name: str
    role: Literal["user", "admin"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field of a line; ``field`` is empty if it is the whole line."""

    line: int
    field: str
    message: str


def read_rows(text: str) -> tuple[list[Row], list[Problem]]:
    """Return the rows of a CSV file and the problems with the others.

    The first line names the columns: ``email``, and optionally ``name`` and ``role`` (``user`` or ``admin``), in any
    order, separated by commas, semicolons or tabs.
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    first_lines: dict[str, int] = {}
    for found in _read(text):
        if isinstance(found, Row):
            first = first_lines.setdefault(found.email, found.line)
            if first == found.line:
                rows.append(found)
                continue
            found = Problem(found.line, "email", f"The same address as on line {first}.")  # noqa: PLW2901
        problems.append(found)
    return rows, problems


def _read(text: str) -> Iterator[Row | Problem]:
    head = text.partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=head.count), strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        unknown = [name for name in names if name not in _COLUMNS]
        if "email" not in names or unknown or len(set(names)) < len(names):
            yield Problem(1, "", "The first line names the columns: email, and optionally name and role.")
            return
        for number, cells in enumerate(reader):
            if number == MAX_ROWS:
                yield Problem(reader.line_num, "", f"A file has at most {MAX_ROWS:,} rows.")
                return
            if any(cell.strip() for cell in cells):
                yield _row(reader.line_num, names, cells)
    except csv.Error as fault:
        yield Problem(reader.line_num, "", f"This is not CSV ({fault}).")


def _row(line: int, names: list[str], cells: list[str]) -> Row | Problem:
    if len(cells) != len(names):
        return Problem(line, "", f"There are {len(names)} columns, but this line has {len(cells)}.")
    values = {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
    name, role = values.get("name", ""), values.get("role", "").lower() or "user"
    try:
        email = canonical_address(values["email"])
    except InvalidAddressError as fault:
        return Problem(line, "email", str(fault))
    try:
        check_name(name)
    except AccountError as fault:
        return Problem(line, "name", str(fault))
    if role not in {"user", "admin"}:
        return Problem(line, "role", "A role is user or admin.")
    return Row(line, email, name, "admin" if role == "admin" else "user")
