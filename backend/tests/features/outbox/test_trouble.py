"""An email that is slow or fails for any reason holds up no other, and is tried again."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from focys.features.outbox import outbox
from focys.features.outbox.service import ONE_TRY
from focys.infra.mail.mailer import Message
from tests.conftest import world_on
from tests.support.rows import rows_of
from tests.support.service import World

LIMIT_SECONDS = 60


class TroubledMail:
    """Delivers to everyone but one address, where it waits or fails."""

    def __init__(self, address: str, trouble: Exception | None) -> None:
        self._address, self._trouble = address, trouble
        self.delivered: asyncio.Queue[str] = asyncio.Queue()
        self.in_trouble = asyncio.Event()

    async def send(self, to: str, message: Message, now: datetime, key: UUID | None = None) -> None:
        if to == self._address:
            self.in_trouble.set()
            if self._trouble is not None:
                raise self._trouble
            await asyncio.Event().wait()
        await self.delivered.put(to)


async def sign_in(world: World, address: str) -> None:
    await world.a_browser().sign_in_with_password(await world.an_account(address))


async def postponed(world: World) -> timedelta:
    """Wait until a failed email has its next time; return how far off that is. Its claim alone lasts a minute."""
    while True:
        for row in await rows_of(world, outbox):
            wait: timedelta = row.due_at - world.clock.now()
            if row.tries == 1 and timedelta(0) < wait < ONE_TRY:
                return wait
        await asyncio.sleep(0.02)


async def test_a_slow_recipient_delays_nobody(sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("focys.running.LAST_ROUND_SECONDS", 0.1)
    mail = TroubledMail("slow@student.com", None)
    async with asyncio.timeout(LIMIT_SECONDS), world_on(sqlite_url, mailer=mail) as world:
        await sign_in(world, "slow@student.com")
        await mail.in_trouble.wait()

        for address in ("alice@student.com", "bob@student.com"):
            await sign_in(world, address)
            assert await mail.delivered.get() == address


@pytest.mark.parametrize("trouble", [UnicodeError("a label is empty"), ValueError("no header"), OSError("no route")])
async def test_an_email_that_fails_for_any_reason_is_tried_again(sqlite_url: str, trouble: Exception):
    mail = TroubledMail("odd@student.com", trouble)
    async with asyncio.timeout(LIMIT_SECONDS), world_on(sqlite_url, mailer=mail) as world:
        await sign_in(world, "odd@student.com")
        await mail.in_trouble.wait()
        await sign_in(world, "alice@student.com")
        assert await mail.delivered.get() == "alice@student.com"

        assert await postponed(world) < ONE_TRY
