"""Standard input and output as they may be: closed, full, a pipe that ends early, or without UTF-8."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_NOT_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
"""Errors of an output that accepts no more; any other error is our own fault, and keeps its traceback."""


@contextmanager
def sturdy_streams() -> Iterator[None]:
    """Make the standard streams safe to use, and end with one sentence if the output cannot be written.

    A reader that closes the pipe early, such as ``head``, has what it wanted: nothing is reported, and the exit code
    is 1, as usual in Python.
    """
    was_closed = sys.stdout is None
    _open_closed_ones()
    if was_closed:
        _end("Standard output is closed.")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Without UTF-8, a question mark is better than a traceback.
            stream.reconfigure(errors="replace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        sys.exit(1)
    except OSError as fault:
        if fault.errno not in _NOT_WRITTEN or fault.filename is not None:
            raise
        _discard_output()
        _end(f"The output cannot be written: {fault.strerror}.")


def _open_closed_ones() -> None:
    """Open what is closed: otherwise the next file that is opened, such as the database, becomes standard output."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115, PTH123  stays open to the end
            if stream.fileno() != number:
                os.dup2(stream.fileno(), number)
            setattr(sys, name, stream)


def _discard_output() -> None:
    """Point standard output nowhere, so that the interpreter's last flush does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())


def _end(sentence: str) -> None:
    with suppress(OSError):
        print(f"✗ {sentence}", file=sys.stderr)
    sys.exit(1)
