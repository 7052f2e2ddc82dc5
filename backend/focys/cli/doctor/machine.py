"""What is around the service: Redis, Argon2, the pages, the disk, the log file."""

import asyncio
import os
import shutil
from importlib.metadata import distribution
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from focys.cli.doctor.finding import Finding, fail, ok, warn
from focys.settings import Settings

MIB = 1024 * 1024
LITTLE_SPACE = 1024 * MIB
NO_SPACE = 100 * MIB
REDIS_SECONDS = 1


async def check_limits(settings: Settings) -> Finding:
    """Ask Redis for an answer, where limits per network are counted there."""
    name, storage = "limits", settings.rate_limit_storage
    if storage == "database":
        return ok(name, "counted in the database, exact over all workers")
    if storage.startswith("memory://"):
        detail = "each worker counts for itself, so limits per network grow with the workers"
        return ok(name, "counted in memory") if settings.is_local else warn(name, detail, "RATE_LIMIT_STORAGE=database")
    try:
        redis = Redis.from_url(storage)
    except ValueError:
        return fail(name, "the address of Redis cannot be used", "set RATE_LIMIT_STORAGE=redis://host:6379/0")
    try:
        async with asyncio.timeout(REDIS_SECONDS):
            await redis.ping()
    except (RedisError, OSError) as fault:
        detail = f"Redis does not answer ({type(fault).__name__}); counted in the database meanwhile"
        return warn(name, detail, "systemctl status valkey redis-server, and check RATE_LIMIT_STORAGE")
    finally:
        await redis.aclose()
    return ok(name, "Redis answers; limits of accounts stay in the database")


def check_argon2(settings: Settings) -> Finding:
    """See whether Argon2 was built for this processor."""
    return judge_argon2(distribution("argon2-cffi-bindings").read_text("WHEEL") or "", is_local=settings.is_local)


def judge_argon2(wheel: str, *, is_local: bool) -> Finding:
    """Say what Argon2 costs, by its WHEEL file: the stock one has no vector code, and takes twice the time."""
    name = "argon2"
    if "manylinux" not in wheel:
        return ok(name, "built on this machine")
    detail = "the stock wheel; built for the processor, a sign-in takes half of it"
    return ok(name, detail) if is_local else warn(name, detail, "see docs/DEPLOYMENT.md, Python packages")


def check_pages(pages: Path) -> Finding:
    """See whether the pages are built."""
    if (pages / "index.html").is_file():
        return ok("pages", "built")
    if not pages.parent.is_dir():
        return ok("pages", "not kept here, as in the app's container")
    return warn("pages", "not built here", "cd frontend && npm install && npm run build", aside=str(pages))


def check_disks(settings: Settings) -> list[Finding]:
    """Measure what is left where the service writes: its own database, and its log."""
    places = {"disk of the data" if settings.is_embedded else "disk": settings.data_dir}
    if settings.log_file is not None:
        places["disk of the log"] = settings.log_file.parent
    return [judge_space(name, shutil.disk_usage(_existing(place)).free) for name, place in places.items()]


def judge_space(name: str, free: int) -> Finding:
    """Say whether so many bytes are enough."""
    detail, mend = f"{free // MIB:,} MiB free", "make room: du -xh / | sort -h | tail"
    if free < NO_SPACE:
        return fail(name, detail, mend)
    return warn(name, detail, mend) if free < LITTLE_SPACE else ok(name, detail)


def check_log_file(path: Path | None) -> Finding:
    """See whether this user may write the log file, without making it."""
    name, mend = "log file", "give it to the service's user, or run focys doctor as that user"
    if path is None:
        return ok(name, "none; events go to standard error")
    folder = _existing(path.parent)
    try:
        if path.exists():
            with path.open("ab"):
                pass
        elif not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            return fail(name, "its folder cannot be written", mend, aside=str(folder))
    except OSError as fault:
        return fail(name, f"cannot be written ({fault.strerror})", mend, aside=str(path))
    return ok(name, "can be written", aside=str(path))


def _existing(path: Path) -> Path:
    """Return the nearest thing on the way to *path* that is there."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())
