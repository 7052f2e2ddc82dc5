"""A siege of accounts that have no authenticator yet: each owner proves the mailbox and sets one up in the middle of it."""

import pytest

from focys.domain.email_codes import LONG_AFTER, TRIES
from focys.features.rate_limits import CODES_A_DAY, CODES_PER_NETWORK, CODES_RESENT_A_DAY, CODES_SHARED
from tests.sieges.aftermath import (
    ADDED,
    CODE,
    LOGINS,
    UNFINISHED,
    emails_to,
    most_in_an_hour,
    rows_a_day_later,
    rows_after,
)
from tests.sieges.attackers import GuessesMailedCodes, Place, ReadsTheMailbox, StartsLogins, addresses
from tests.sieges.owner import FIVE_MINUTES, Owner
from tests.sieges.siege import MOMENTS, Siege
from tests.support.service import Account, World

OWN, ANOTHER = "198.51.100.8", "198.51.100.9"
NETWORKS = 4

EMAILS = CODES_A_DAY.amount + CODES_RESENT_A_DAY.amount + most_in_an_hour(CODES_SHARED)
"""Emails with a code in an hour: ten that sign-ins send, ten that are asked for again, then one per five minutes."""


async def newcomers(world: World) -> list[Account]:
    """An account for each moment, and one whose owner has begun already."""
    return [await world.an_account(f"newcomer-{number}@student.com") for number in range(len(MOMENTS) + 1)]


def with_the_password(account: Account) -> list[StartsLogins]:
    """Attackers who know an account's password."""
    starts = StartsLogins(account, addresses("203.0.113", NETWORKS), rate=1 / 24)
    return [starts, GuessesMailedCodes(account, addresses("192.0.2", NETWORKS), rate=1 / 250)]


def with_the_mailbox(account: Account) -> list[StartsLogins]:
    """Attackers who know an account's password, one of whom reads its mail."""
    return [*with_the_password(account), ReadsTheMailbox(account, addresses("192.0.3", NETWORKS), rate=1 / 24)]


@pytest.mark.parametrize("attackers_of", [with_the_password, with_the_mailbox])
async def test_the_owner_enrolls_during_the_siege(world: World, attackers_of):
    """Strangers start sign-ins, spend the emails, guess codes, and with the mailbox look at secrets."""
    accounts = await newcomers(world)
    owner = Owner(Siege(world, []), accounts[-1], world.a_browser(OWN))
    at_enrollment = await owner.reach("enroll")
    attackers = [attacker for account in accounts for attacker in attackers_of(account)]
    siege = Siege(world, attackers)
    midway = Owner(siege, accounts[-1], owner.browser)

    await midway.go_on(at_enrollment)
    await siege.last_an_hour(lambda number: Owner(siege, accounts[number], world.a_browser(OWN)).get_in())

    rows = await rows_after(world)
    for account in accounts:
        emails = await emails_to(world, account)
        assert emails[CODE] <= EMAILS
        assert emails[UNFINISHED] <= 1
        assert emails[ADDED] == 1
    assert rows["outbox"] <= len(accounts) * (EMAILS + 2)
    # Ten wrong ones make the codes long: later ones have no effect.
    assert rows["email_code_failures"] <= len(accounts) * LONG_AFTER
    # A login for each start, and one more for each mailbox that was proven.
    assert rows["pending_logins"] <= len(accounts) * 2 * LOGINS * NETWORKS * 3
    # The last one's attackers have had the whole hour: a secret for each login that is at the enrollment still.
    assert rows["totp_setups"] <= len(accounts) * EMAILS
    assert rows["second_factor_failures"] == 0
    # An account's counters; for each network of passwords, codes and logins begun; for each login that saw a secret.
    assert rows["throttles"] <= len(accounts) * (10 + 3 * (3 * NETWORKS + 1) + 2 * EMAILS)
    seen = {secret for attacker in attackers if isinstance(attacker, ReadsTheMailbox) for secret in attacker.secrets}
    assert not seen & {account.secret for account in accounts}
    later = await rows_a_day_later(world)
    assert later["pending_logins"] == later["totp_setups"] == later["throttles"] == 0


async def spend_the_emails(world: World, account: Account) -> None:
    """Use up the day's emails as a stranger with the password, and cause the one that later logins share."""
    places = [Place(address) for address in addresses("203.0.113", CODES_A_DAY.amount // CODES_PER_NETWORK.amount + 1)]
    for place in places:
        for _ in range(CODES_PER_NETWORK.amount):
            await place.start(world, account.email, account.password)
    await world.deliver()
    world.clock.advance(seconds=FIVE_MINUTES)
    await places[0].start(world, account.email, account.password)
    assert (await emails_to(world, account))[CODE] == CODES_A_DAY.amount + 1


async def test_the_owner_signs_in_when_codes_have_just_become_long(world: World):
    """The tenth wrong code comes right after the shared email, so its six digits no longer work."""
    account = await world.an_account()
    await spend_the_emails(world, account)
    places = addresses("192.0.2", LONG_AFTER // TRIES)
    siege = Siege(world, [GuessesMailedCodes(account, [place], rate=0.01) for place in places])

    await siege.wait(1)
    await Owner(siege, account, world.a_browser(OWN)).get_in()


async def test_the_owner_can_switch_to_another_browser(world: World):
    """The shared code has worked once, and strangers have spent the emails of the day."""
    account = await world.an_account()
    await spend_the_emails(world, account)
    siege = Siege(world, [])
    await Owner(siege, account, world.a_browser(OWN)).reach("enroll")

    await Owner(siege, account, world.a_browser(ANOTHER)).get_in()
