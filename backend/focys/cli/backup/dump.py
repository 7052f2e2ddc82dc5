"""What kind of file a backup is, and the SQL in it, line by line."""

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
"""A row of ours is some kilobytes long; what is read at once has to fit into memory, whatever it was made from."""

_ENCRYPTED = (b"Salted__", b"age-encryption.org", b"-----BEGIN PGP MESSAGE", b"\x85", b"\x8c", b"\xc3")
_DECRYPT = "Decrypt it on the way: gpg --decrypt --batch --passphrase-file KEY_FILE FILE | focys backup verify -"
_NOT_OURS = "See that it is a backup of FOCYS, and where it comes from."
_MAKE = "Make one: pg_dump focys_db > backup.sql"


class DumpError(Exception):
    """The file cannot be tried; ``lines`` say why and what mends it."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Kind(Enum):
    """How a backup is written."""

    PLAIN = "plain"
    GZIPPED = "plain, in gzip"
    ARCHIVE = "archive of pg_dump"
    SQLITE = "copy of an SQLite file"


@contextmanager
def reading(path: Path, stdin: BinaryIO) -> Iterator[BinaryIO]:
    """Open a backup; ``-`` is standard input, which is kept in a file without a name meanwhile.

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
        raise DumpError(f"{path} is a folder, and a backup is one file.", _MAKE) from None
    except PermissionError:
        raise DumpError(f"You may not read {path}.", "Run this as a user who may, such as root.") from None


def _keep(stdin: BinaryIO, file: IO[bytes]) -> None:
    try:
        shutil.copyfileobj(stdin, file)
    except OSError as fault:
        raise DumpError(f"The backup cannot be kept for the trial: {fault.strerror}.", "Make room.") from None
    file.seek(0)


def kind_of(file: BinaryIO) -> Kind:
    """Look at how a file begins.

    Raises:
        DumpError: it is no backup, or one that has to be decrypted first.
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
    """Yield the lines of a dump; pg_restore spells those of an archive, without a connection to any server.

    Raises:
        DumpError: it is cut off or damaged, or pg_restore is missing or too old for it.
    """
    file.seek(0)
    if kind is Kind.ARCHIVE:
        with _spelled(file) as lines:
            yield lines
        return
    with gzip.open(file) if kind is Kind.GZIPPED else file as lines:
        try:
            yield _lines(lines)
        except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
            raise DumpError("The file is cut off or damaged.", "Try the backup before it.") from fault


@contextmanager
def _spelled(file: BinaryIO) -> Iterator[Iterator[bytes]]:
    program = shutil.which("pg_restore")
    if program is None:
        raise DumpError(
            "pg_restore is missing, and this kind of dump needs it.",
            "apt install postgresql-client, or make a plain dump: pg_dump focys_db > backup.sql",
        )
    command = [program, "--no-owner", "--no-privileges", "--file=-"]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=complaints)  # noqa: S603  no shell, and nothing of the dump in it
        assert process.stdout is not None  # noqa: S101  a pipe was asked for
        try:
            yield _until_the_end(process, process.stdout, complaints)
        finally:
            process.stdout.close()
            process.kill()
            process.wait()


def _until_the_end(process: subprocess.Popen[bytes], lines: IO[bytes], complaints: IO[bytes]) -> Iterator[bytes]:
    yield from _lines(lines)
    if process.wait() == 0:
        return
    complaints.seek(0)
    if b"unsupported version" in complaints.read(_HEAD_BYTES):
        raise DumpError(
            "The dump was made by a newer pg_dump than this machine's pg_restore can read.",
            "Install the postgresql-client of the server that was dumped.",
        )
    raise DumpError("pg_restore cannot read the dump: it is cut off or damaged.", "Try the backup before it.")


def _lines(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while line := file.readline(LINE_BYTES + 1):
        if len(line) > LINE_BYTES:
            raise DumpError(f"A line of it is longer than {LINE_BYTES // 1024**2} MiB, as none of FOCYS is.", _NOT_OURS)
        yield line


def _unzipped_head(file: BinaryIO) -> bytes:
    try:
        with gzip.open(file) as unzipped:
            return unzipped.read(_HEAD_BYTES)
    except (EOFError, OSError, zlib.error) as fault:
        raise DumpError("The file is cut off or damaged.", "Try the backup before it.") from fault
    finally:
        file.seek(0)


def _check_plain(head: bytes) -> None:
    if b"-- PostgreSQL database cluster dump" in head:
        raise DumpError("This is a dump of a whole server, by pg_dumpall; one database is wanted.", _MAKE)
    if b"-- PostgreSQL database dump" not in head:
        raise DumpError("This is not a dump of pg_dump, nor a copy of an SQLite file.", _MAKE)
