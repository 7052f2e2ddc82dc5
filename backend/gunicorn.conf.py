"""The gunicorn configuration; gunicorn reads this file from its working directory.

It checks once, before the first worker, that the service can start; makes workers restart quickly; and adds up the
metrics of workers that have exited.
"""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

# Importing these takes 80 % of a worker's startup. Our own code is not listed, so a reload picks up its changes.
SHARED = (
    "aiosmtplib",
    "alembic.command",
    "argon2",
    "asyncpg",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "fastapi",
    "httptools",
    "httpx",
    "jinja2",
    "joserfc.jwt",
    "limits.aio.storage",
    "prometheus_client",
    "pydantic.v1",
    "pydantic_settings",
    "redis.asyncio",
    "segno",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "structlog",
    "uvicorn_worker",
    "uvloop",
    "zxcvbn",
)

_CANNOT_START = 3
"""The exit code gunicorn itself uses if its workers cannot start."""
_METRICS = "PROMETHEUS_MULTIPROC_DIR"


class _Log(Protocol):
    def error(self, message: str) -> None: ...
    def exception(self, message: str) -> None: ...


class _Server(Protocol):
    """The part of gunicorn that we use; it has no type hints. ``focys_metrics``, if present, is ours."""

    log: _Log
    num_workers: int
    handle_hup: Callable[[], None]
    focys_metrics: str


class _Worker(Protocol):
    pid: int
    config: Any


def on_starting(server: _Server) -> None:
    """Import the libraries before the first worker: workers share the memory, and dead ones are replaced quickly."""
    if server.num_workers > 1 and not os.environ.get(_METRICS):
        # Without this folder, each worker reports only its own metrics.
        with suppress(OSError):
            server.focys_metrics = os.environ[_METRICS] = tempfile.mkdtemp(prefix="focys_metrics_")
    for name in SHARED:
        import_module(name)
    if not _can_start(server):
        on_exit(server)
        sys.exit(_CANNOT_START)
    server.handle_hup = partial(_reload, server, server.handle_hup)


def on_exit(server: _Server) -> None:
    """Delete the metrics folder if we created it."""
    shutil.rmtree(getattr(server, "focys_metrics", ""), ignore_errors=True)


def post_worker_init(worker: _Worker) -> None:
    """Limit the heads of requests, and have the worker report to gunicorn every second, whatever the time of day.

    Uvicorn spaces its reports by the wall clock. After the clock is set back, it would send none until the old time
    returns, and gunicorn would kill the worker, with all requests in progress.
    """
    worker.config.timeout_notify = float("-inf")
    from focys.infra.web.heads import PROTOCOL  # noqa: PLC0415  our own code is imported in workers only

    worker.config.http = PROTOCOL


def child_exit(_server: _Server, worker: _Worker) -> None:
    """Remove an exited worker's gauges from the sums, and add its counts to those of the workers before it."""
    if folder := os.environ.get(_METRICS):
        from prometheus_client import multiprocess  # noqa: PLC0415  must be imported after the folder is set

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
        _keep_counts(Path(folder), worker.pid)


def _keep_counts(folder: Path, pid: int) -> None:
    """Move a worker's counts into one file per kind: otherwise each reload would leave more files to read."""
    from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415  as above

    # A scrape must find these counts once; it takes the same lock.
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob(f"*_{pid}.db"):
            kept = MmapedDict(str(left).replace(f"_{pid}.db", "_exited.db"))  # type: ignore[no-untyped-call]
            for key, value, _, _ in MmapedDict.read_all_values_from_file(left):  # type: ignore[no-untyped-call]
                kept.write_value(key, kept.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
            kept.close()  # type: ignore[no-untyped-call]
            left.unlink()


def _reload(server: _Server, reload: Callable[[], None]) -> None:
    """Reload, unless new workers could not start: gunicorn would exit then."""
    if _can_start(server):
        reload()
    else:
        server.log.error("Reload aborted: the service could not start again. The running workers are unchanged.")


def _can_start(server: _Server) -> bool:
    """Log what keeps the service from starting, once; otherwise every worker would, with gunicorn's tracebacks.

    Runs in a child process, so that later workers do not inherit our code from the parent.
    """
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1] == 0
    sentences = []
    status = _CANNOT_START
    try:
        folder = os.environ.get(_METRICS)
        with tempfile.TemporaryDirectory(dir=folder) if folder else nullcontext() as separate:
            if separate:
                # This process is not a worker, so its metrics must not be counted.
                os.environ[_METRICS] = separate
            from focys.running import why_not_start  # noqa: PLC0415  in this process only

            sentences = why_not_start()
        status = _CANNOT_START if sentences else 0
    except BaseException:
        server.log.exception("The service cannot start")
    finally:
        for sentence in sentences:
            server.log.error(sentence)
        os._exit(status)
