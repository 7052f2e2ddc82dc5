"""The service ends at once, whatever the deliverer is doing at that moment."""

import asyncio

import pytest

from tests.conftest import world_on
from tests.support.service import OPERATOR


@pytest.mark.parametrize("moment", [0, 0.0004, 0.0012, 0.002, 0.004])
async def test_a_shutdown_during_delivery_loses_no_email(database_url: str, moment: float):
    """AVL-05: the sender takes its cancellation, while it wakes as well as while it writes."""
    async with world_on(database_url) as world:
        account = await world.an_account()
        await world.services.administration.reset_mfa(account.email, OPERATOR)
        await asyncio.sleep(moment)

    async with world_on(database_url) as after:
        after.clock.advance(seconds=6)
        await after.deliver()

    assert [to for to, _ in {*world.mail.emails, *after.mail.emails}] == [account.email]
