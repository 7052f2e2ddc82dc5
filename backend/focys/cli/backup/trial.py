"""A backup's trial: restored into a scratch database, looked at, migrated there, and opened."""

import asyncio
import base64
import mmap
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import asyncpg  # type: ignore[import-untyped]
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from focys.cli.backup import findings
from focys.cli.backup.dump import STDIN, DumpError, Kind, kind_of, reading, sql_of
from focys.cli.backup.restoring import Script
from focys.cli.backup.scratch import scratch_database, scratch_file
from focys.cli.console import err
from focys.cli.doctor.finding import Finding, State, fail, ok
from focys.features.totp import TotpSecrets
from focys.infra.crypto.keys import KeyRing, Purpose
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.db.database import Database
from focys.infra.db.postgres import connect_arguments
from focys.infra.db.schema import current_revision, migrate, needed_revision
from focys.infra.ops.clock import SystemClock
from focys.settings import Settings

MIB = 1024 * 1024
TRIAL_SECONDS = 2 * 60 * 60
WATCH_SECONDS = 0.5
LEAST_ROOM = 1024 * MIB
TIMES_ITS_SIZE = 40
"""How far a dump may grow in the database: in gzip it holds ten times as much, and there are indexes."""

_SIZE = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"

Notice = Callable[[int, int], None]


def try_backup(path: Path, stdin: BinaryIO, settings: Settings, server: str | None) -> list[Finding]:
    """Return what a backup is worth; the scratch database is made on *server*.

    Raises:
        DumpError: it is no backup, or cannot be restored.
    """
    keys = _keys(settings)
    with reading(path, stdin) as file:
        kind, size = kind_of(file), os.fstat(file.fileno()).st_size
        restored = ok("backup", f"{kind.value}, {size / MIB:.1f} MiB", aside="" if path == STDIN else str(path))
        if kind is Kind.SQLITE:
            with scratch_file(file) as url:
                has_key = any(_stands_in(file, needle) for needle in _needles(keys))
                return [restored, *_examine(url, keys, has_key=has_key)]
        if server is None:
            raise DumpError(
                "This is a dump of PostgreSQL, and this installation keeps its data in SQLite.",
                "Give a server for the trial: --scratch postgresql://…",
            )
        with scratch_database(server) as url, _in_time():
            script = _restore(file, kind, url, keys)
            return [restored, *_examine(url, keys, has_key=script.has_needle)]


def _restore(file: BinaryIO, kind: Kind, url: str, keys: tuple[str, ...]) -> Script:
    size = os.fstat(file.fileno()).st_size
    with _progress("Restoring") as notice, sql_of(file, kind) as lines:
        # Where the file is read, by us or by pg_restore.
        script = Script(lines, _needles(keys), lambda: notice(os.lseek(file.fileno(), 0, os.SEEK_CUR), size))

        async def run() -> None:
            connection = await asyncpg.connect(**connect_arguments(url))
            try:
                async with asyncio.TaskGroup() as group:
                    watching = group.create_task(_watch_size(url, max(LEAST_ROOM, TIMES_ITS_SIZE * size)))
                    await script.run(connection)
                    watching.cancel()
            except* DumpError as faults:
                fault = faults.exceptions[0]
                raise fault from None
            finally:
                connection.terminate()

        asyncio.run(run())
    return script


async def _watch_size(url: str, most: int) -> None:
    """Raise once the scratch database is larger than a backup of that size can be."""
    try:
        connection = await asyncpg.connect(**connect_arguments(url))
        try:
            while await connection.fetchval(_SIZE) <= most:  # noqa: ASYNC110  nobody tells us
                await asyncio.sleep(WATCH_SECONDS)
        finally:
            connection.terminate()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as fault:
        raise DumpError(
            f"The server gave up on the trial ({type(fault).__name__}).", "See its log, and try again."
        ) from fault
    raise DumpError(
        f"The dump grows beyond {most // MIB:,} MiB in the database, as no backup of this size does.",
        "See that it is a backup of FOCYS, and where it comes from.",
    )


class _OverdueError(KeyboardInterrupt):
    """As if somebody had pressed Ctrl-C: nothing on the way takes it for a fault of its own."""


@contextmanager
def _in_time() -> Iterator[None]:
    """End what runs for too long, be it a statement, a search or a line."""

    def end(*_: object) -> None:
        raise _OverdueError

    try:
        signal.signal(signal.SIGALRM, end)
    except ValueError:
        # In a thread of a test.
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, TRIAL_SECONDS)
    try:
        yield
    except _OverdueError:
        raise DumpError(
            f"The trial is not over after {TRIAL_SECONDS // 60} minutes.",
            "See that it is a backup of FOCYS, and where it comes from; or give a faster server with --scratch.",
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _examine(url: str, keys: tuple[str, ...], *, has_key: bool) -> list[Finding]:
    at, found = asyncio.run(_as_it_is(url, has_key=has_key))
    schema = findings.judge_schema(at)
    if schema.state is State.FAIL:
        return [schema, *found]
    if at != needed_revision():
        try:
            migrate(url)
        except Exception as fault:  # noqa: BLE001  whatever keeps it from being served is what was asked for
            mend = "report it; until it is mended, restore this with the version of FOCYS that made it"
            return [schema, fail("migrations", f"they fail on it ({type(fault).__name__})", mend), *found]
    with _progress("Opening secrets") as notice:
        return [schema, *asyncio.run(_as_it_would_serve(url, keys, notice)), *found]


async def _as_it_is(url: str, *, has_key: bool) -> tuple[str | None, list[Finding]]:
    database = Database(url)
    try:
        at = await current_revision(database)
        async with findings.reflected(database) as (connection, tables):
            return at, [
                await findings.check_alone(connection, tables, has_key=has_key),
                await findings.check_hashes(connection, tables),
                await findings.check_age(connection, tables, SystemClock().now()),
            ]
    finally:
        await database.close()


async def _as_it_would_serve(url: str, keys: tuple[str, ...], notice: Notice) -> list[Finding]:
    database = Database(url)
    try:
        async with findings.reflected(database) as (connection, tables):
            people = await findings.count_people(connection, tables)
        totp = TotpSecrets(database, SecretBox(KeyRing(keys)), drift=0)
        return [people, await findings.check_secrets(totp, notice)]
    finally:
        await database.close()


def _keys(settings: Settings) -> tuple[str, ...]:
    # The embedded database's key would be made anew by looking for it, and open nothing.
    if settings.is_embedded and not settings.secret_key.get_secret_value():
        path = settings.data_dir / "secret_key"
        if not path.is_file():
            raise DumpError("There is no key at hand to open a backup with.", f"Give back {path}, or set SECRET_KEY.")
    return settings.keys


def _needles(keys: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return how a key would look in a dump: as it is given, or the one derived from it."""
    derived = KeyRing(keys).all(Purpose.TOTP_SECRETS)
    spelled = [text for raw in derived for text in (raw.hex().encode(), base64.b64encode(raw))]
    return (*(key.encode() for key in keys), *spelled)


def _stands_in(file: BinaryIO, needle: bytes) -> bool:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(needle) >= 0


@contextmanager
def _progress(what: str) -> Iterator[Notice]:
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda seen, total: bar.update(task, completed=seen, total=total)
