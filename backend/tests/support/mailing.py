"""A service that sends its letters by a real server or to the console."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asgi_lifespan import LifespanManager

from focys.app import create_app
from focys.features.outbox import outbox
from focys.features.outbox.service import ONE_TRY
from tests.conftest import settings_for
from tests.support.clock import FrozenClock
from tests.support.mail import KeptMail
from tests.support.rows import rows_of
from tests.support.service import World


@asynccontextmanager
async def mailing_world(url: str, **settings: Any) -> AsyncIterator[World]:
    """The service with the mailer that its settings ask for."""
    clock = FrozenClock()
    app = create_app(settings_for(url, **settings), clock=clock)
    async with LifespanManager(app, startup_timeout=20):
        yield World(app, app.state.services, clock, KeptMail())


async def eventually(world: World, *, tries: int) -> Any:
    """The first letter's row, once that many tries are over; the deliverer runs beside the test."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        rows = await rows_of(world, outbox)
        is_over = rows and (rows[0].done_at or rows[0].due_at - world.clock.now() != ONE_TRY)
        if rows and rows[0].tries >= tries and is_over:
            return rows[0]
        await world.services.outbox.deliver_due()
    raise AssertionError("the letter was not tried")
