"""Startup checks and background work."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from focys import __version__
from focys.features.feature import Gauge
from focys.features.outbox import Outbox
from focys.features.totp import SecretsByKey
from focys.infra.db.database import Database
from focys.infra.db.schema import why_not_serve
from focys.infra.ops import logs, metrics
from focys.infra.ops.clock import DatabaseClock, SystemClock
from focys.infra.ops.periodic import Periodic
from focys.services import Services, build_services
from focys.settings import SettingsError, load_settings, names_without_effect

CLOCK_READING_SECONDS = 10
LAST_ROUND_SECONDS = 3
START_CHECK_SECONDS = 1

_log = logs.logger("focys.running")


class StartError(Exception):
    """The service must not start; the message says why and how to fix it."""


@asynccontextmanager
async def running(services: Services) -> AsyncIterator[None]:
    """Check that the service may start, then run the background work while the app serves requests."""
    await _wait_for_start(services)
    metrics.begin_serving(__version__)
    work: list[Outbox | Periodic] = [
        services.outbox,
        Periodic(services.readiness.measure, name="readiness", seconds=15),
        *_gauges(services),
        Periodic(services.foreign_rows.read, name="foreign_rows", seconds=600, first_after=600),
        Periodic(services.housekeeping.forget, name="housekeeping", seconds=3600, first_after=3600),
    ]
    if isinstance(services.clock, DatabaseClock):
        follow = partial(_follow_database_clock, services.clock, services.database)
        # check_start has just read it.
        work.append(Periodic(follow, name="clock", seconds=CLOCK_READING_SECONDS, first_after=CLOCK_READING_SECONDS))
    tasks = [asyncio.create_task(one.run()) for one in work]
    try:
        yield
    finally:
        for one in work:
            one.stop()
        await asyncio.wait(tasks, timeout=LAST_ROUND_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await services.close()


async def _wait_for_start(services: Services) -> None:
    """Check that the service may start; a worker waits until it may.

    gunicorn has checked before it started the first worker. If a later one failed, as it would between new code and its
    migration, gunicorn would end all the others.
    """
    is_logged = False
    while True:
        try:
            return await check_start(services)
        except StartError as refusal:
            if services.settings.prometheus_multiproc_dir is None:
                raise
            if not is_logged:
                _log.error("worker_waits", cause=str(refusal))
            is_logged = True
            await asyncio.sleep(START_CHECK_SECONDS)


def _gauges(services: Services) -> list[Periodic]:
    """Return the readings of all declared gauges. Those with the same schedule share one database connection."""
    groups: dict[tuple[float, float], list[Gauge]] = defaultdict(list)
    for feature in services.features:
        for gauge in feature.gauges:
            groups[gauge.seconds, gauge.first_after].append(gauge)

    async def read(gauges: list[Gauge]) -> None:
        for gauge in gauges:
            await gauge.read(services.database, services.settings, services.clock.now())

    return [
        Periodic(partial(read, gauges), name=f"gauges_{seconds:g}s", seconds=seconds, first_after=first_after)
        for (seconds, first_after), gauges in groups.items()
    ]


async def _follow_database_clock(clock: DatabaseClock, database: Database) -> None:
    clock.set(await _read_clock(database))


async def _read_clock(database: Database) -> datetime:
    """Return the database's time, and record how far this machine's clock is ahead of it."""
    machine = SystemClock()
    before, now = machine.now(), await database.now()
    # Assume that the database read its clock halfway between request and response.
    metrics.CLOCK_OFFSET.set(((before - now) + (machine.now() - now)).total_seconds() / 2)
    return now


def why_not_start() -> list[str]:
    """Return the problems that would keep the service from starting, one sentence each, without starting it."""
    # Logging is the caller's job.
    logs.configure(log_file=None, quiet=True)

    async def check(services: Services) -> None:
        try:
            await check_start(services)
        finally:
            await services.close()

    try:
        settings = load_settings()
        if settings.log_file is not None:
            logs.check_writable(settings.log_file)
        asyncio.run(check(build_services(settings)))
    except (SettingsError, StartError) as refusal:
        return str(refusal).splitlines()
    return []


async def check_start(services: Services) -> None:
    """Check that the service may start. An unreachable database is not an error: readiness reports it until it is back.

    Raises:
        StartError: the schema is at the wrong revision, or no configured key decrypts the stored secrets.
    """
    settings = services.settings
    if not settings.smtp_host and not settings.is_local:
        _log.warning(
            "codes_go_to_the_console", fix="set SMTP_HOST; otherwise anyone who reads this output can read the codes"
        )
    for cause in names_without_effect():
        _log.warning("setting_without_effect", cause=cause)
    try:
        now = await _read_clock(services.database)
    except (SQLAlchemyError, OSError) as fault:
        _log.error("database_unavailable", cause=type(fault).__name__)
        return
    if isinstance(services.clock, DatabaseClock):
        services.clock.set(now)
    obstacle = await why_not_serve(services.database)
    if obstacle is not None:
        raise StartError(obstacle)
    for found in await services.bypasses.list_in_force():
        until = found.ends_at.isoformat(timespec="seconds")
        _log.warning("mfa_bypass_in_force", whom=found.whom, until=until, fix="focys mfa bypass --end")
    await services.foreign_rows.read()
    _check_keys(await services.totp.count_by_key())


def _check_keys(found: SecretsByKey) -> None:
    """Check that no key is missing.

    If some secrets can be decrypted, their owners can sign in, so the service starts, but is not ready.
    """
    if not found.missing:
        return
    missing = ", ".join(f"{number} need the key {key_id}" for key_id, number in sorted(found.missing.items()))
    if not found.current and not found.older:
        raise StartError(
            f"SECRET_KEY decrypts none of the stored secrets ({missing}): add the old key to SECRET_KEY_FALLBACKS"
        )
    _log.error("secrets_without_a_key", missing=missing, fix="add the old key to SECRET_KEY_FALLBACKS, and restart")
