"""Runs one act of an operator on the services, sends the email it queued, and closes everything."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar
from uuid import uuid4

from focys.cli.console import cli_errors
from focys.infra.db.schema import migrate
from focys.infra.ops import logs
from focys.infra.ops.clock import DatabaseClock
from focys.infra.web.caller import Caller
from focys.services import Services, build_services
from focys.settings import load_settings

T = TypeVar("T")


def run(act: Callable[[Services, Caller], Awaitable[T]], *, is_demo: bool = False, **overrides: object) -> T:
    """Run *act* on the configured database and return its result; errors become messages.

    *overrides* replace settings for this command.
    """
    with cli_errors():
        settings = load_settings(is_demo=is_demo, **overrides)
        if settings.is_embedded:
            settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            migrate(settings.database)
        logs.configure(log_file=settings.log_file, quiet=True)
        return asyncio.run(_run(act, build_services(settings)))
    raise AssertionError  # cli_errors() exits


async def _run(act: Callable[[Services, Caller], Awaitable[T]], services: Services) -> T:
    try:
        if isinstance(services.clock, DatabaseClock):
            services.clock.set(await services.database.now())
        result = await act(services, _operator())
        await services.outbox.deliver_due()
    finally:
        await services.close()
    return result


def _operator() -> Caller:
    name = "unknown"
    with suppress(OSError, KeyError):
        name = getpass.getuser()
    source = f"console:{name}"[:64]
    return Caller(address=source, network=source, user_agent="focys", request_id=uuid4().hex)
