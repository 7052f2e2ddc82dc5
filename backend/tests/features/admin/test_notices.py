"""Emails about what operators do to an account."""

from tests.support.service import OPERATOR, World


async def test_the_owner_gets_an_email_about_a_reset(world: World):
    """RCV-09: when, what it ended, and what to do."""
    account = await world.an_account(enrolled=True)

    await world.services.administration.reset_mfa(account.email, OPERATOR)
    await world.deliver()

    assert world.mail.subjects(account.email)[-1] == "Your second step was reset · FOCYS"
    text = " ".join(world.mail.emails[-1][1].paragraphs)
    assert f"{world.clock.now():%Y-%m-%d %H:%M} UTC" in text
    assert "All your sessions have ended" in text
    assert "the ticket that your administrator gives you" in text
