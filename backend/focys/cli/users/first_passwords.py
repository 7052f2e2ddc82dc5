"""The file that first passwords are written to, for an operator to pass on."""

import csv
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from focys.cli.console import fail
from focys.features.admin import Row
from focys.features.passwords import new_password

_HEAD = ["email", "password"]
_OTHERS = 0o077


class FirstPasswords:
    """A CSV file with a line per person. Each is written before the account exists, so none can be lost."""

    def __init__(self, file: TextIO, written: dict[str, str]) -> None:
        self._file, self._written = file, written
        self._writer = csv.writer(file, lineterminator="\n")
        if not written and file.tell() == 0:
            self._append(_HEAD)

    def get(self, row: Row) -> str:
        """Return the password that an interrupted import has written for this person, or a new one."""
        if row.email not in self._written:
            self._written[row.email] = new_password()
            self._append([row.email, self._written[row.email]])
        return self._written[row.email]

    def _append(self, line: list[str]) -> None:
        try:
            self._writer.writerow(line)
            self._file.flush()
        except OSError as fault:
            fail(f"The first passwords cannot be written: {fault.strerror}.", "Repeat the import to continue.")


@contextmanager
def first_passwords(path: Path) -> Iterator[FirstPasswords]:
    """Open the file, which only its owner may read, or create it; continue one that an earlier import began."""
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+", encoding="utf-8", newline="")
    except OSError as fault:
        fail(f"{path} cannot be written: {fault.strerror}.")
    with file:
        if os.fstat(file.fileno()).st_mode & _OTHERS or not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            fail(f"{path} must be a file that only its owner can read: chmod 600 {path}")
        yield FirstPasswords(file, _read(file, path))


def _read(file: TextIO, path: Path) -> dict[str, str]:
    rows = [*csv.reader(file)]
    if rows and (rows[0] != _HEAD or any(len(row) != len(_HEAD) for row in rows)):
        fail(f"{path} is not a file of first passwords; name another one.")
    return {row[0]: row[1] for row in rows[1:]}
