"""Output that never waits: if nobody reads it, lines are dropped."""

import logging
import os
import select
from typing import TextIO

from focys.infra.ops import metrics

_WAIT_MILLISECONDS = 20


class Unblocked:
    """Writes lines as long as their reader keeps up; the pipe's buffer in the kernel is the queue."""

    def __init__(self) -> None:
        self._is_torn = False

    def write(self, fd: int, line: bytes) -> bool:
        """Return whether the whole line was written; the rest of a torn one is given up.

        Raises:
            OSError: the file or the reader is gone.
        """
        line = b"\n" + line if self._is_torn else line
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        # A pipe that is writable takes at least PIPE_BUF bytes at once.
        for start in range(0, len(line), select.PIPE_BUF):
            if not poll.poll(_WAIT_MILLISECONDS if start else 0):
                self._is_torn = self._is_torn or start > 0
                return False
            os.write(fd, line[start : start + select.PIPE_BUF])
        self._is_torn = False
        return True


class UnblockedHandler(logging.StreamHandler[TextIO]):
    """Writes to standard error. Lines that nobody reads are counted.

    Otherwise, a reader that has stopped would block every request that logs something.
    """

    def __init__(self) -> None:
        super().__init__()
        self._fd = fd_of(self.stream)
        self._output = Unblocked()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or drop it."""
        if self._fd is None:
            super().emit(record)
            return
        try:
            line = f"{self.format(record)}\n".encode(errors="backslashreplace")
            if not self._output.write(self._fd, line):
                metrics.LOG_LINES_DROPPED.inc()
        except Exception:  # noqa: BLE001  like every handler of the standard library
            self.handleError(record)


def fd_of(stream: TextIO) -> int | None:
    """Return the stream's file descriptor, or None if it has none."""
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
