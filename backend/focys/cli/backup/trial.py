"""Tries a backup: restores it into a scratch database, inspects it, migrates it, and decrypts its secrets."""

import asyncio
import base64
import mmap
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from focys.cli.backup import findings
from focys.cli.backup.dump import CHECK_ORIGIN, STDIN, DumpError, Kind, kind_of, reading, sql_of
from focys.cli.backup.restore import Script, restore
from focys.cli.backup.scratch import SERVER_ERRORS, connect, scratch_database, scratch_file
from focys.cli.console import err
from focys.cli.doctor.report import Finding, State, fail, ok
from focys.features.totp import TotpSecrets
from focys.infra.crypto.keys import KeyRing, Purpose
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.db.connecting import Connection
from focys.infra.db.database import Database
from focys.infra.db.schema import current_revision, migrate, needed_revision
from focys.infra.ops.clock import SystemClock
from focys.settings import Settings

MIB = 1024 * 1024
TRIAL_SECONDS = 2 * 60 * 60
WATCH_SECONDS = 0.5
MIN_ROOM = 1024 * MIB
TIMES_ITS_SIZE = 40
"""How far a dump is allowed to grow in the database: gzip saves a factor of ten, and there are indexes."""

# All databases of the role: a dump can create more than one.
_SIZE = """
SELECT pg_catalog.sum(pg_catalog.pg_database_size(oid))::bigint FROM pg_catalog.pg_database
WHERE datdba = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
"""

Notify = Callable[[int, int], None]


def try_backup(path: Path, stdin: BinaryIO, settings: Settings, server: str | None) -> list[Finding]:
    """Return what was found in a backup; the scratch database is created on *server*.

    Raises:
        DumpError: it is not a backup, or cannot be restored.
    """
    keys = _keys(settings)
    with reading(path, stdin) as file:
        kind, size = kind_of(file), os.fstat(file.fileno()).st_size
        restored = ok("backup", f"{kind.value}, {size / MIB:.1f} MiB", aside="" if path == STDIN else str(path))
        if kind is Kind.SQLITE:
            with scratch_file(file) as url:
                has_key = any(_contains(file, needle) for needle in _needles(keys))
                return [restored, *_examine(url, keys, has_key=has_key)]
        if server is None:
            raise DumpError(
                "This is a PostgreSQL dump, and this installation stores its data in SQLite.",
                "Name a server for the trial: --scratch postgresql://…",
            )
        with scratch_database(server) as (url, version), _time_limit():
            script = _restore(file, kind, url, version, keys)
            return [restored, *_examine(url, keys, has_key=script.has_needle)]


def _restore(file: BinaryIO, kind: Kind, url: str, version: int, keys: tuple[str, ...]) -> Script:
    size = os.fstat(file.fileno()).st_size
    with _progress("Restoring") as notify, sql_of(file, kind) as lines:
        # How far we, or pg_restore, have read the file.
        script = Script(lines, _needles(keys), lambda: notify(os.lseek(file.fileno(), 0, os.SEEK_CUR), size))

        async def run() -> None:
            try:
                async with asyncio.TaskGroup() as group:
                    watching = group.create_task(_watch_size(url, max(MIN_ROOM, TIMES_ITS_SIZE * size)))
                    await restore(script, url, version)
                    watching.cancel()
            except* DumpError as faults:
                fault = faults.exceptions[0]
                raise fault from None

        asyncio.run(run())
    return script


async def _watch_size(url: str, room: int) -> None:
    """Raise once the role's databases have grown by more than a backup of that size can."""
    try:
        connection = await connect(url)
        try:
            before = await _size(connection)
            while await _size(connection) - before <= room:  # noqa: ASYNC110  nothing notifies us
                await asyncio.sleep(WATCH_SECONDS)
        finally:
            connection.terminate()
    except SERVER_ERRORS as fault:
        raise DumpError(
            f"The server gave up on the trial ({type(fault).__name__}).", "See its log, and try again."
        ) from fault
    raise DumpError(
        f"The dump grows beyond {room // MIB:,} MiB in the database; no backup of this size does.", CHECK_ORIGIN
    )


async def _size(connection: Connection) -> int:
    [[size]] = await connection.fetch(_SIZE)
    return int(str(size))


class _OverdueError(KeyboardInterrupt):
    """Like Ctrl-C: no ``except Exception`` on the way catches it."""


@contextmanager
def _time_limit() -> Iterator[None]:
    """End whatever runs for too long, in the server or here."""

    def end(*_: object) -> None:
        raise _OverdueError

    try:
        signal.signal(signal.SIGALRM, end)
    except ValueError:
        # Signals work in the main thread only; a test may use another.
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, TRIAL_SECONDS)
    try:
        yield
    except _OverdueError:
        raise DumpError(
            f"The trial did not finish within {TRIAL_SECONDS // 60} minutes.",
            CHECK_ORIGIN,
            "If it is one, name a faster server with --scratch.",
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _examine(url: str, keys: tuple[str, ...], *, has_key: bool) -> list[Finding]:
    at, found = asyncio.run(_before_migration(url, has_key=has_key))
    schema = findings.check_schema(at)
    if schema.state is State.FAIL:
        return [schema, *found]
    if at != needed_revision():
        try:
            migrate(url)
        except Exception as fault:  # noqa: BLE001  any failure is the result
            fix = "report this; until it is fixed, restore the backup with the version of FOCYS that made it"
            return [schema, fail("migrations", f"fail on this backup ({type(fault).__name__})", fix), *found]
    with _progress("Decrypting secrets") as notify:
        return [schema, *asyncio.run(_after_migration(url, keys, notify)), *found]


async def _before_migration(url: str, *, has_key: bool) -> tuple[str | None, list[Finding]]:
    database = Database(url)
    try:
        at = await current_revision(database)
        async with findings.reflected(database) as (connection, tables):
            return at, [
                await findings.check_plaintext(connection, tables, has_key=has_key),
                await findings.check_hashes(connection, tables),
                await findings.check_age(connection, tables, SystemClock().now()),
            ]
    finally:
        await database.close()


async def _after_migration(url: str, keys: tuple[str, ...], notify: Notify) -> list[Finding]:
    database = Database(url)
    try:
        async with findings.reflected(database) as (connection, tables):
            accounts = await findings.count_accounts(connection, tables)
        totp = TotpSecrets(database, SecretBox(KeyRing(keys)), drift=0)
        return [accounts, await findings.check_secrets(totp, notify)]
    finally:
        await database.close()


def _keys(settings: Settings) -> tuple[str, ...]:
    # Reading the embedded database's key would create a new one, which decrypts nothing.
    if settings.is_embedded and not settings.secret_key.get_secret_value():
        path = settings.data_dir / "secret_key"
        if not path.is_file():
            raise DumpError("There is no key to decrypt a backup with.", f"Put back {path}, or set SECRET_KEY.")
    return settings.keys


def _needles(keys: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return how the keys, and those derived from them, would look in a dump."""
    derived = KeyRing(keys).all(Purpose.TOTP_SECRETS)
    encoded = [text for raw in derived for text in (raw.hex().encode(), base64.b64encode(raw))]
    return (*(key.encode() for key in keys), *encoded)


def _contains(file: BinaryIO, needle: bytes) -> bool:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(needle) >= 0


@contextmanager
def _progress(what: str) -> Iterator[Notify]:
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda seen, total: bar.update(task, completed=seen, total=total)
