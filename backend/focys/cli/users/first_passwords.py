"""The file that first passwords are written to, for an operator to pass on."""

import csv
import fcntl
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from focys.cli.console import fail
from focys.features.passwords import new_password

_HEAD = ["email", "password"]
_OTHERS = 0o077
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "'")
"""How a formula begins. A spreadsheet hides a leading apostrophe, so one that is part of the address needs another."""


def first_passwords(path: Path, addresses: Iterable[str]) -> dict[str, str]:
    """Return the first password of each address, and write those that are new to the file at *path*.

    They are on disk before any account exists, so none can be lost; a repeated import gets the same ones. Only the
    file's owner can read it.
    """
    try:
        with _open(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            written = _read(file, path)
            new = {address: new_password() for address in addresses if address not in written}
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([] if os.fstat(file.fileno()).st_size else [_HEAD])
            writer.writerows((_as_text(address), password) for address, password in new.items())
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        fail(f"The first passwords cannot be written to {path}: {fault.strerror}.")
    return written | new


def _open(path: Path) -> TextIO:
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+", encoding="utf-8", newline="")
    mode = os.fstat(file.fileno()).st_mode
    if mode & _OTHERS or not stat.S_ISREG(mode):
        file.close()
        fail(f"{path} must be a file that only its owner can read: chmod 600 {path}")
    return file


def _read(file: TextIO, path: Path) -> dict[str, str]:
    """Return the passwords in the file, and drop a last line that a full disk cut short: its account does not exist."""
    text = file.read()
    whole = text[: text.rfind("\n") + 1]
    rows = [*csv.reader(whole.splitlines())]
    is_ours = rows[0] == _HEAD if rows else ",".join(_HEAD).startswith(text)
    if not is_ours or any(len(row) != len(_HEAD) for row in rows):
        fail(f"{path} is not a file of first passwords; name another one.")
    if whole != text:
        file.truncate(len(whole.encode()))
    return {row[0].removeprefix("'"): row[1] for row in rows[1:]}


def _as_text(cell: str) -> str:
    """Return a cell that a spreadsheet shows as text, and does not run as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell
