"""What gunicorn needs beside its command line; it reads this file by itself where it is started.

One check for all workers before there are any, workers that are back soon and, once gone, no longer counted.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from importlib import import_module
from typing import Protocol

# Reading these takes four fifths of a worker's start. Our own code is not among them: a reload takes it as it is then.
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

_REFUSED = 3
"""What gunicorn itself ends with where its workers cannot start."""
_NUMBERS = "PROMETHEUS_MULTIPROC_DIR"


class _Log(Protocol):
    def error(self, message: str) -> None: ...
    def exception(self, message: str) -> None: ...


class _Server(Protocol):
    """The part of gunicorn that we use, which has no types; ``focys_numbers``, if present, is ours."""

    log: _Log
    num_workers: int
    handle_hup: Callable[[], None]
    focys_numbers: str


class _Worker(Protocol):
    pid: int


def on_starting(server: _Server) -> None:
    """Read the libraries once, before the first worker: one that dies is replaced at once, and memory is shared."""
    if server.num_workers > 1 and not os.environ.get(_NUMBERS):
        # Without a place for them each worker tells of itself.
        with suppress(OSError):
            server.focys_numbers = os.environ[_NUMBERS] = tempfile.mkdtemp(prefix="focys_numbers_")
    for name in SHARED:
        import_module(name)
    if not _can_start(server):
        on_exit(server)
        sys.exit(_REFUSED)
    server.handle_hup = partial(_reload, server, server.handle_hup)


def on_exit(server: _Server) -> None:
    """Leave nothing behind of the numbers of workers, where nobody had said where they belong."""
    shutil.rmtree(getattr(server, "focys_numbers", ""), ignore_errors=True)


def child_exit(_server: _Server, worker: _Worker) -> None:
    """Take a worker's gauges out of the sum."""
    if os.environ.get(_NUMBERS):
        from prometheus_client import multiprocess  # noqa: PLC0415  only the workers need the rest of it

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _reload(server: _Server, reload: Callable[[], None]) -> None:
    """Reload, unless new workers could not start: gunicorn would end, and logrotate asks for a reload at night."""
    if _can_start(server):
        reload()
    else:
        server.log.error("The service cannot start again like this; what runs goes on as it was.")


def _can_start(server: _Server) -> bool:
    """Say in one sentence what keeps the service from starting; workers would each say it, with gunicorn's tracebacks.

    In a process of its own, so that our code is not among what later workers are made of.
    """
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1] == 0
    sentences = []
    status = _REFUSED
    try:
        numbers = os.environ.get(_NUMBERS)
        with tempfile.TemporaryDirectory(dir=numbers) if numbers else nullcontext() as apart:
            if apart:
                # It serves nobody, and is not to be counted.
                os.environ[_NUMBERS] = apart
            from focys.running import why_not_start  # noqa: PLC0415  for this process alone

            sentences = why_not_start()
        status = _REFUSED if sentences else 0
    except BaseException:
        server.log.exception("The service cannot start")
    finally:
        for sentence in sentences:
            server.log.error(sentence)
        os._exit(status)
