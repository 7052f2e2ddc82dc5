"""A service that sends its emails by a real server or to the console."""

import asyncio
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
    """The first email's row, once that many tries are over; the service also sends by itself, beside the test."""
    while True:
        rows = await rows_of(world, outbox)
        if rows and rows[0].tries >= tries and not is_being_sent(world, rows[0]):
            return rows[0]
        await world.services.outbox.deliver_due()
        await asyncio.sleep(0.01)


async def all_sent(world: World) -> None:
    """Return once every email is recorded as sent; one whose try failed, as on a busy machine, is tried again."""
    while waiting := [row for row in await rows_of(world, outbox) if row.done_at is None]:
        if not any(is_being_sent(world, row) for row in waiting):
            world.clock.moment = max(world.clock.now(), *(row.due_at for row in waiting))
        await world.services.outbox.deliver_due()
        await asyncio.sleep(0.01)


def is_being_sent(world: World, row: Any) -> bool:
    return row.done_at is None and row.tries > 0 and row.due_at - world.clock.now() == ONE_TRY
