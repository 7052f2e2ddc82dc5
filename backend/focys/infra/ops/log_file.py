"""The log file, which every worker and every command of an operator appends to."""

import io
import logging
import logging.handlers
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from focys.settings import SettingsError


class LogFile(logging.handlers.WatchedFileHandler):
    """A log file that is rotated from outside: it notices that the file was moved, and opens a new one.

    Workers that rotated it themselves would end up writing different files.
    """

    def _open(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BufferedWriter(io.FileIO(self.baseFilename, "a", opener=_open)), encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a file that can no longer be opened is only reported, on standard error."""
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)


def open_log(log_file: Path) -> LogFile:
    """Open the file for appending.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return LogFile(log_file)
    except OSError as fault:
        problem = (
            f"LOG_FILE: {log_file} cannot be written ({fault.strerror or fault}); it must belong to the service's user"
        )
        raise SettingsError([problem]) from None


def _open(path: str, flags: int) -> int:
    with acting_as_owner_of(Path(path).parent):
        return os.open(path, flags, 0o640)


@contextmanager
def acting_as_owner_of(folder: Path) -> Iterator[None]:
    """Have root open files as the folder's owner, who must be able to write them, and could plant links there."""
    owner, group = folder.stat(), os.getegid()
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
