"""What gunicorn needs beside its command line: workers that are back soon and, once gone, no longer counted."""

import os
from importlib import import_module
from typing import Any

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
    "jwt",
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


def on_starting(_server: Any) -> None:  # noqa: ANN401  gunicorn's own objects
    """Read the libraries once, before the first worker: one that dies is replaced at once, and memory is shared."""
    for name in SHARED:
        import_module(name)


def child_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401
    """Take a worker's gauges out of the sum."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess  # noqa: PLC0415  only the workers need the rest of it

        multiprocess.mark_process_dead(worker.pid)
