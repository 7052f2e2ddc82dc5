"""Finds out what kind of file a backup is, and reads the SQL in it line by line."""

import gzip
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import IO, BinaryIO

STDIN = Path("-")
_HEAD_BYTES = 64 * 1024
LINE_BYTES = 16 * 1024 * 1024
"""Our rows are a few kilobytes. A line is read into memory, whatever wrote it."""

_ENCRYPTED = (b"Salted__", b"age-encryption.org", b"-----BEGIN PGP MESSAGE", b"\x85", b"\x8c", b"\xc3")
_DECRYPT = "Decrypt it first: gpg --decrypt --batch --passphrase-file KEY_FILE FILE | focys backup verify -"
CHECK_ORIGIN = "Check that it is a FOCYS backup, and where it comes from."
_MAKE = "Create one: pg_dump focys_db > backup.sql"


class DumpError(Exception):
    """The backup cannot be tried; ``lines`` say why and how to fix that."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Kind(Enum):
    """How a backup is written."""

    PLAIN = "plain"
    GZIPPED = "plain, gzipped"
    ARCHIVE = "pg_dump archive"
    SQLITE = "SQLite file"


@contextmanager
def reading(path: Path, stdin: BinaryIO) -> Iterator[BinaryIO]:
    """Open a backup; ``-`` is standard input, which is kept in an unnamed temporary file.

    Raises:
        DumpError: there is no such file, or it cannot be read.
    """
    try:
        with tempfile.TemporaryFile() if path == STDIN else path.open("rb") as file:
            if path == STDIN:
                _keep(stdin, file)
            yield file
    except FileNotFoundError:
        raise DumpError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise DumpError(f"{path} is a folder; a backup is a single file.", _MAKE) from None
    except PermissionError:
        raise DumpError(f"No permission to read {path}.", "Run this as a user who can, such as root.") from None


def _keep(stdin: BinaryIO, file: IO[bytes]) -> None:
    try:
        shutil.copyfileobj(stdin, file)
    except OSError as fault:
        raise DumpError(f"The backup cannot be stored for the trial: {fault.strerror}.", "Free some space.") from None
    file.seek(0)


def kind_of(file: BinaryIO) -> Kind:
    """Identify a file by its first bytes.

    Raises:
        DumpError: it is not a backup, or has to be decrypted first.
    """
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if not head:
        raise DumpError("The file is empty.", _MAKE)
    if head.startswith(b"SQLite format 3\0"):
        return Kind.SQLITE
    if head.startswith((b"PGDMP", b"toc.dat\0")):
        return Kind.ARCHIVE
    if head.startswith(b"\x1f\x8b"):
        _check_plain(_unzipped_head(file))
        return Kind.GZIPPED
    if head.startswith(_ENCRYPTED):
        raise DumpError("The file is encrypted.", _DECRYPT)
    _check_plain(head)
    return Kind.PLAIN


@contextmanager
def sql_of(file: BinaryIO, kind: Kind) -> Iterator[Iterator[bytes]]:
    """Yield the lines of a dump; pg_restore converts an archive, without connecting to a server.

    Raises:
        DumpError: it is cut off or damaged, or pg_restore is missing or too old for it.
    """
    file.seek(0)
    if kind is Kind.ARCHIVE:
        with _converted(file) as lines:
            yield lines
        return
    with gzip.open(file) if kind is Kind.GZIPPED else file as lines:
        yield _lines(lines)


@contextmanager
def _converted(file: BinaryIO) -> Iterator[Iterator[bytes]]:
    program = shutil.which("pg_restore")
    if program is None:
        raise DumpError(
            "pg_restore is missing, and an archive needs it.",
            "apt install postgresql-client, or create a plain dump: pg_dump focys_db > backup.sql",
        )
    command = [program, "--no-owner", "--no-privileges", "--file=-"]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603  no shell, and nothing from the dump
        assert process.stdout is not None  # noqa: S101  a pipe was asked for
        try:
            yield _until_the_end(process, process.stdout, errors)
        finally:
            process.stdout.close()
            process.kill()
            process.wait()


def _until_the_end(process: subprocess.Popen[bytes], lines: IO[bytes], errors: IO[bytes]) -> Iterator[bytes]:
    yield from _lines(lines)
    if process.wait() == 0:
        return
    errors.seek(0)
    if b"unsupported version" in errors.read(_HEAD_BYTES):
        raise DumpError(
            "The dump was made by a newer pg_dump than this machine's pg_restore can read.",
            "Install the postgresql-client version of the server that was dumped.",
        )
    raise DumpError("pg_restore cannot read the dump: it is cut off or damaged.", "Try the previous backup.")


def _lines(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    try:
        while line := file.readline(LINE_BYTES + 1):
            if len(line) > LINE_BYTES:
                raise DumpError(f"A line is longer than {LINE_BYTES // 1024**2} MiB; FOCYS has none.", CHECK_ORIGIN)
            yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
        raise DumpError("The file is cut off or damaged.", "Try the previous backup.") from fault


def _unzipped_head(file: BinaryIO) -> bytes:
    try:
        with gzip.open(file) as unzipped:
            return unzipped.read(_HEAD_BYTES)
    except (EOFError, OSError, zlib.error) as fault:
        raise DumpError("The file is cut off or damaged.", "Try the previous backup.") from fault
    finally:
        file.seek(0)


def _check_plain(head: bytes) -> None:
    if b"-- PostgreSQL database cluster dump" in head:
        raise DumpError("This is a dump of a whole server, by pg_dumpall; a dump of one database is needed.", _MAKE)
    if b"-- PostgreSQL database dump" not in head:
        raise DumpError("This is neither a pg_dump dump nor an SQLite file.", _MAKE)
