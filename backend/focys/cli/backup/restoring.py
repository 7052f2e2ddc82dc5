r"""A dump's SQL into a scratch database, by the driver: what psql alone understands is not carried out.

A plain dump is a program for psql, and a hostile one may hold commands for the shell (``\! …``), or for another
database (``\connect``). No psql runs here, so they are errors. What is left is SQL: it is run as a role that is no
superuser, and never as a lone statement, so that nothing which PostgreSQL does outside of a transaction (DROP DATABASE,
ALTER SYSTEM) can be in it.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg  # type: ignore[import-untyped]

from focys.cli.backup.driver import Connection
from focys.cli.backup.dump import DumpError

BATCH_BYTES = 1024 * 1024
STATEMENT_BYTES = 64 * BATCH_BYTES
_COPY = re.compile(rb"COPY (?:(?P<schema>[^ .]+)\.)?(?P<table>[^ .]+) \((?P<columns>[^()]*)\) FROM stdin;\r?\n")
# In any other form the server would wait for rows that we do not know of, or send some.
_OTHER_COPY = re.compile(rb"\bCOPY\b[^;']*\b(FROM\s+STDIN|TO\s+STDOUT)\b", re.IGNORECASE)
# Newer pg_dump guards a script with these; they mean nothing to anybody but psql.
_GUARDS = re.compile(rb"\\(un)?restrict [0-9A-Za-z]+\r?\n")
# Roles of another server, and leftovers of an older database, are of no matter in a fresh one.
_NOT_NEEDED = re.compile(
    rb"(ALTER [^;]* OWNER TO [^;]*|ALTER DEFAULT PRIVILEGES [^;]*|GRANT [^;]*|REVOKE [^;]*|DROP [^;]*"
    rb"|ALTER TABLE [^;]* DROP CONSTRAINT [^;]*|CREATE SCHEMA public|COMMENT ON (SCHEMA|EXTENSION) [^;]*);\r?\n"
)
# A server says that it does not know a newer one's setting; psql goes on, too.
_SETTING = re.compile(rb"SET [a-z_]+ = [^;]*;\r?\n")
_FROM_VERSION = re.compile(rb"-- Dumped from database version (\d+)")
_END = b"-- PostgreSQL database dump complete"


@dataclass
class Script:
    """A dump on its way into the database, and what was seen of it meanwhile."""

    lines: Iterator[bytes]
    needles: tuple[bytes, ...]
    notice: Callable[[], None]
    number: int = 0
    is_complete: bool = False
    has_needle: bool = False
    version: int | None = None
    _batch: list[bytes] = field(default_factory=list)
    _size: int = 0
    _quotes: int = 0

    async def run(self, connection: Connection) -> None:
        """Restore everything.

        Raises:
            DumpError: the dump is cut off, holds commands for psql, or the server refuses something in it.
        """
        try:
            for line in self._read():
                await self._take(connection, line)
            await self._flush(connection)
        except asyncpg.PostgresError as fault:
            raise self._refused(connection, fault) from fault
        except UnicodeDecodeError:
            raise DumpError("The dump is not in UTF-8.", "Make it so: pg_dump --encoding=UTF8 …") from None
        if not self.is_complete:
            raise DumpError("The dump is cut off: its last line is missing.", "Try the backup before it.")

    async def _take(self, connection: Connection, line: bytes) -> None:
        if line.startswith(b"\\"):
            self._check_guard(line)
        elif _NOT_NEEDED.fullmatch(line):
            return
        elif copy := _COPY.fullmatch(line):
            await self._flush(connection)
            await self._copy(connection, copy)
        elif _SETTING.fullmatch(line):
            await self._flush(connection)
            with suppress(asyncpg.UndefinedObjectError):
                await connection.execute(line.decode())
        else:
            self._batch.append(line)
            self._size += len(line)
            self._quotes += line.count(b"'")
            if self._size > BATCH_BYTES and line.rstrip().endswith(b";") and self._quotes % 2 == 0:
                await self._flush(connection)
            if self._size > STATEMENT_BYTES:
                raise DumpError(
                    f"The statement near line {self.number} does not end.", "See that it is a backup of FOCYS."
                )

    def _check_guard(self, line: bytes) -> None:
        if not _GUARDS.fullmatch(line):
            raise DumpError(
                f"Line {self.number} is a command for psql, which a dump of one database does not need.",
                "Make the dump without --create; one that nobody made so is not to be trusted, nor given to psql.",
            )

    async def _copy(self, connection: Connection, copy: re.Match[bytes]) -> None:
        schema = copy["schema"]
        await connection.copy_to_table(
            _unquoted(copy["table"]),
            schema_name=_unquoted(schema) if schema else None,
            columns=[_unquoted(column) for column in copy["columns"].split(b",")],
            source=self._rows(),
        )

    async def _rows(self) -> AsyncIterator[bytes]:
        block, size = list[bytes](), 0
        for line in self._read():
            if line.rstrip(b"\r\n") == b"\\.":
                break
            block.append(line)
            size += len(line)
            if size > BATCH_BYTES:
                yield b"".join(block)
                block, size = [], 0
        yield b"".join(block)

    async def _flush(self, connection: Connection) -> None:
        statements = b"".join(self._batch)
        self._batch.clear()
        self._size = self._quotes = 0
        if _OTHER_COPY.search(statements):
            raise DumpError(
                f"Near line {self.number} is a COPY that pg_dump does not write so.",
                "Give the dump as pg_dump made it; a changed one is not to be trusted.",
            )
        if statements.strip():
            # Never alone: the first statement makes a transaction of all of them.
            await connection.execute("SELECT 1;\n" + statements.decode())

    def _read(self) -> Iterator[bytes]:
        for line in self.lines:
            self.number += 1
            self.has_needle = self.has_needle or any(needle in line for needle in self.needles)
            if line.startswith(b"--"):
                self.is_complete = self.is_complete or line.startswith(_END)
                if found := _FROM_VERSION.match(line):
                    self.version = int(found[1])
            if self.number % 1000 == 0:
                self.notice()
            yield line

    def _refused(self, connection: Connection, fault: Exception) -> DumpError:
        server = connection.get_server_version().major
        if self.version is not None and self.version > server:
            return DumpError(
                f"The dump is of PostgreSQL {self.version}, and the server it was tried on is {server}.",
                f"Give a server of PostgreSQL {self.version} or newer: --scratch postgresql://…",
            )
        # The server's own words may quote what stands in the dump.
        return DumpError(
            f"The dump cannot be restored: the server refuses it near line {self.number} ({type(fault).__name__}).",
            "Try the backup before it.",
        )


def _unquoted(name: bytes) -> str:
    return name.strip().decode().strip('"')
