"""What the owner is told of sign-ins under a bypass."""

from datetime import timedelta

from focys.features.outbox import outbox
from tests.support.rows import rows_of
from tests.support.service import OPERATOR, World


async def test_many_bypassed_sign_ins_send_one_email_an_hour(world: World):
    """LOG-03: otherwise anyone who has the password fills the owner's mailbox."""
    account = await world.an_account(enrolled=True)
    await world.services.bypasses.begin(timedelta(hours=2), "the phones are broken", OPERATOR, address=None)
    written = []

    for minutes in (0, 1, 58, 2):
        world.clock.advance(minutes=minutes)
        assert (await world.a_browser().sign_in_with_password(account)).json()["step"] == "done"
        written.append(sum(row.kind == "mfa_bypass_used" for row in await rows_of(world, outbox)))

    assert written == [1, 1, 1, 2]
