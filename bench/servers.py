"""The services under test: worker processes, and a PostgreSQL server with fsync on, as in production."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from focys.infra.db.schema import migrate
from focys.settings import Settings
from tests.cluster import running_postgres

from bench import BACKEND, ROOT
from bench.client import HOST

WORKERS = 2
SECRET_KEY = "a-key-for-the-benchmarks-that-is-long-enough-0123456789"  # noqa: S105  for temporary databases
START_SECONDS = 30.0
DATABASE = "bench"


class ServerError(Exception):
    """A server did not start; the text is the end of its log."""


@contextmanager
def database() -> Iterator[str]:
    """Yield the URL of a migrated database with fsync on."""
    with databases(DATABASE) as [url]:
        yield url


@contextmanager
def databases(*names: str) -> Iterator[list[str]]:
    """Yield the URLs of several migrated databases on one server."""
    with running_postgres(durable=True) as cluster:
        for name in names:
            cluster.drop_database(name)
        urls = [cluster.create_database(name) for name in names]
        for url in urls:
            migrate(settings(url).database)
        try:
            yield urls
        finally:
            for name in names:
                cluster.drop_database(name)


def settings(url: str) -> Settings:
    """Return the settings used by the servers and for preparing their data."""
    return Settings(_env_file=None, database_url=url, secret_key=SECRET_KEY)


@contextmanager
def focys(url: str, *, workers: int = WORKERS, more: Mapping[str, str] | None = None) -> Iterator[tuple[int, ...]]:
    """Yield the ports of FOCYS's workers. X-Forwarded-For gives each client its own address."""
    environment = {"DATABASE_URL": url, "SECRET_KEY": SECRET_KEY, "TRUSTED_PROXIES": f"{HOST}/32", **(more or {})}
    with _workers("main:app", BACKEND, environment, workers) as ports:
        yield ports


@contextmanager
def bare(url: str, *, workers: int = WORKERS) -> Iterator[tuple[int, ...]]:
    """Yield the ports of the bare service's workers."""
    with _workers("bench.bare:app", ROOT, {"DATABASE_URL": url}, workers) as ports:
        yield ports


@contextmanager
def _workers(app: str, folder: Path, environment: Mapping[str, str], count: int) -> Iterator[tuple[int, ...]]:
    """Run one process per port, because the kernel distributes connections to a shared port unevenly."""
    with TemporaryDirectory(prefix="focys-bench-") as place, ExitStack() as stack:
        started = [
            stack.enter_context(_worker(app, folder, environment, Path(place) / f"{number}.log"))
            for number in range(count)
        ]
        for port, process, log in started:
            _await(port, process, log)
        yield tuple(port for port, _, _ in started)


@contextmanager
def _worker(
    app: str, folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator[tuple[int, "subprocess.Popen[bytes]", Path]]:
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log", "--no-proxy-headers"]
    with log.open("wb") as output:
        kept = {"PATH": os.environ.get("PATH", os.defpath)}
        process = subprocess.Popen(command, cwd=folder, env={**kept, **environment}, stdout=output, stderr=output)
    try:
        yield port, process, log
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(log.read_text(errors="replace")[-2000:]) from None
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
