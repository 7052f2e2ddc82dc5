r"""Restores a dump into the scratch database, with psql.

A plain dump is a program for psql, and a malicious one may run shell commands (``\! …``) or switch databases
(``\connect``). psql therefore runs under a ``\restrict`` with a key that the dump cannot know, and refuses every other
backslash command. The SQL runs as a role that may create databases and nothing else.
"""

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from focys.cli.backup.dump import DumpError
from focys.settings import inherited
from focys.settings.database_url import VARIABLES, environment, options_of

STATEMENT_BYTES = 64 * 1024 * 1024
_STDERR_BYTES = 1024
# Newer pg_dump guards its script with a \restrict of its own. Roles, leftovers of an older database and timeouts of a
# newer server don't matter in a fresh database.
_SKIPPED = re.compile(
    rb"(\\(un)?restrict [0-9A-Za-z]+|SET [a-z_]*_timeout = 0;|CREATE SCHEMA public;"
    rb"|(ALTER [^;]* OWNER TO|ALTER DEFAULT PRIVILEGES|GRANT|REVOKE|DROP|ALTER TABLE [^;]* DROP CONSTRAINT"
    rb"|COMMENT ON (SCHEMA|EXTENSION)) [^;]*;)\r?\n"
)
_FROM_VERSION = re.compile(rb"-- Dumped from database version (\d+)")
_END = b"-- PostgreSQL database dump complete"
# Of the server's errors psql prints only the code: their text may quote the dump.
_PLACE = re.compile(rb"<stdin>:(\d+): (.*)")
_SQLSTATE = re.compile(rb"[0-9A-Z]{5}$")
# What the driver reads, too. PGHOSTADDR and PGSERVICE, in contrast, could send psql to another server.
_ALSO_READ = ("HOME", *VARIABLES.values(), "PGSSLNEGOTIATION")


@dataclass
class Script:
    """A dump's SQL, and what was seen in it on the way to psql."""

    lines: Iterator[bytes]
    needles: tuple[bytes, ...]
    notify: Callable[[], None]
    has_needle: bool = False
    is_complete: bool = False
    version: int = 0

    def for_psql(self) -> Iterator[bytes]:
        """Yield the lines, with an empty one for each that is skipped.

        Raises:
            DumpError: a statement is longer than any that pg_dump writes.
        """
        in_rows, statement = False, 0
        for number, line in enumerate(self.lines, start=1):
            self._look_at(line)
            if number % 1000 == 0:
                self.notify()
            if in_rows:
                in_rows = line.rstrip(b"\r\n") != b"\\."
            elif _SKIPPED.fullmatch(line):
                line = b"\n"  # noqa: PLW2901
            else:
                in_rows = line.startswith(b"COPY ") and line.rstrip().endswith(b" FROM stdin;")
                statement = 0 if line.rstrip().endswith(b";") else statement + len(line)
                if statement > STATEMENT_BYTES:
                    raise DumpError(f"The statement near line {number} does not end.", "Check that FOCYS made it.")
            yield line

    def _look_at(self, line: bytes) -> None:
        self.has_needle = self.has_needle or any(needle in line for needle in self.needles)
        if line.startswith(b"--"):
            self.is_complete = self.is_complete or line.startswith(_END)
            if found := _FROM_VERSION.match(line):
                self.version = int(found[1])


async def restore(script: Script, url: str, server_version: int) -> None:
    """Run a dump on an empty database.

    Raises:
        DumpError: psql is missing or too old, the dump is cut off or has commands for psql, or the server refuses it.
    """
    program = shutil.which("psql")
    if program is None:
        raise DumpError("psql is missing.", "apt install postgresql-client")
    process = await asyncio.create_subprocess_exec(
        *(program, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=sqlstate"),
        *(f"--command=\\restrict {secrets.token_hex(16)}", "--file=-"),
        env=psql_environment(url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None  # noqa: S101  pipes were asked for
    assert process.stderr is not None  # noqa: S101
    errors = asyncio.create_task(_end_of(process.stderr))
    try:
        # psql stops reading when it fails.
        with suppress(BrokenPipeError, ConnectionResetError):
            for line in script.for_psql():
                process.stdin.write(line)
                await process.stdin.drain()
        process.stdin.close()
        await process.wait()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.stdin.close()
        await process.wait()
        stderr = await errors
    if process.returncode != 0:
        raise _failure(stderr, script.version, server_version)
    if not script.is_complete:
        raise DumpError("The dump is cut off: its last line is missing.", "Try the previous backup.")


def psql_environment(url: str) -> dict[str, str]:
    """Return the environment in which psql connects to one of our URLs as the driver does."""
    return {"LC_ALL": "C", "PATH": os.defpath, **inherited(_ALSO_READ), **environment(options_of(url))}


async def _end_of(stream: asyncio.StreamReader) -> bytes:
    end = b""
    while piece := await stream.read(_STDERR_BYTES):
        end = (end + piece)[-_STDERR_BYTES:]
    return end


def _failure(stderr: bytes, version: int, server_version: int) -> DumpError:
    places: list[tuple[bytes, bytes]] = _PLACE.findall(stderr)
    if not places and rb"\restrict" in stderr:
        return DumpError(
            r"This machine's psql is too old to run a dump safely: it does not know \restrict.",
            "Update postgresql-client: 13.22, 14.19, 15.14, 16.10, 17.6 and later know it.",
        )
    if not places:
        return DumpError("psql cannot connect to the server for the trial.", "Check the address given with --scratch.")
    line, message = int(places[-1][0]), places[-1][1]
    if b"backslash commands are restricted" in message:
        return DumpError(
            f"Line {line} is a command for psql, which a dump of one database does not need.",
            "Make the dump without --create. If nobody used that, do not trust the file, and do not give it to psql.",
        )
    if version > server_version:
        return DumpError(
            f"The dump is from PostgreSQL {version}, and the server for the trial is {server_version}.",
            f"Use a server with PostgreSQL {version} or newer: --scratch postgresql://…",
        )
    code = _SQLSTATE.search(message)
    reason = f"SQLSTATE {code[0].decode()}" if code else "connection lost"
    return DumpError(f"The server refuses the dump near line {line} ({reason}).", "Try the previous backup.")
