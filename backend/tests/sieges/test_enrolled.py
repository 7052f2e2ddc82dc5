"""A siege of an account that has an authenticator: its owner signs in from a known browser and from new ones."""

from datetime import timedelta

import pytest

from focys.domain.lockout import GUARDED_AFTER, STRONG_TRIES, STRONG_TRIES_PER_NETWORK
from focys.domain.networks import NetworkLimits
from tests.sieges.aftermath import (
    ADDED,
    BACKUP_USED,
    CODE,
    LOGINS,
    NEW_BROWSER,
    UNFINISHED,
    WARNINGS,
    assert_only_own_mistakes_count,
    emails_to,
    rows_a_day_later,
    rows_after,
)
from tests.sieges.attackers import (
    GuessesBackupCodes,
    GuessesCodes,
    GuessesPasswords,
    StartsAndCancels,
    StartsLogins,
    addresses,
)
from tests.sieges.owner import Owner
from tests.sieges.siege import MOMENTS, Siege
from tests.support.attempts import strangers_failed
from tests.support.service import OPERATOR, Account, Browser, World

HOME, ELSEWHERE = "198.51.100.7", "198.51.100.8"


async def at_home(world: World) -> tuple[Account, Browser]:
    """An enrolled account, and the browser that it is known on."""
    account, browser = await world.an_account(), world.a_browser(HOME)
    await world.enroll(account, browser)
    return account, browser


async def signs_in_twice(siege: Siege, account: Account, known: Browser) -> None:
    """The owner signs in from the known browser, and then from a new one."""
    await Owner(siege, account, known).get_in()
    await Owner(siege, account, siege.world.a_browser(ELSEWHERE)).get_in()


async def test_the_owner_signs_in_while_strangers_have_the_password(world: World):
    """Sign-ins begun once a second, begun and canceled six at a time, and every guess that is checked."""
    account, known = await at_home(world)
    starts = StartsLogins(account, addresses("203.0.113", 1), most=20)
    cancels = StartsAndCancels(account, addresses("203.0.114", 4), most=6)
    codes = GuessesCodes(account, addresses("192.0.2", 7), most=7)
    backup_codes = GuessesBackupCodes(account, addresses("192.0.3", 3))
    siege = Siege(world, [starts, cancels, codes, backup_codes])

    await siege.last_an_hour(lambda _: signs_in_twice(siege, account, known))

    assert starts.responses["totp"] > 350
    assert codes.responses["invalid_code"] + backup_codes.responses["invalid_code"] > STRONG_TRIES
    rows, emails = await rows_after(world), await emails_to(world, account)
    networks = 1 + 4 + 7 + 3
    assert rows["pending_logins"] <= LOGINS * networks
    # Failures that count toward the locks, and what each network may try while those hold.
    assert rows["second_factor_failures"] <= GUARDED_AFTER + STRONG_TRIES_PER_NETWORK * networks
    # The account's counters, and one for each network of passwords, codes, and logins begun.
    assert rows["throttles"] <= 10 + 3 * (networks + 2)
    assert rows["email_code_failures"] == rows["totp_setups"] == 0
    assert emails[UNFINISHED] == 1
    assert all(emails[kind] <= 1 for kind in WARNINGS)
    # Everything else is about what the owner did: the enrollment, and a new browser at each moment.
    assert emails[CODE] == emails[ADDED] == 1
    assert emails[NEW_BROWSER] + emails[BACKUP_USED] == len(MOMENTS)
    assert emails.keys() <= WARNINGS | {CODE, ADDED, NEW_BROWSER, BACKUP_USED}
    assert rows["outbox"] == emails.total()
    await assert_only_own_mistakes_count(world, account, known)
    later = await rows_a_day_later(world)
    assert later["pending_logins"] == later["throttles"] == 0


@pytest.mark.parametrize("before", [10, 15, 40, 100])
async def test_the_owner_signs_in_from_a_new_browser_after_long_guessing(world: World, before: int):
    """Before the second lock, in guarded mode, and with two codes in a row used up or disabled for strangers."""
    account, known = await at_home(world)
    await strangers_failed(world, account, before, ago=timedelta(days=1))
    codes = GuessesCodes(account, addresses("192.0.2", 7), most=7)
    siege = Siege(world, [codes])

    await siege.last_an_hour(lambda _: signs_in_twice(siege, account, known))

    emails = await emails_to(world, account)
    assert all(emails[kind] <= 1 for kind in WARNINGS)
    # Two codes in a row are only examined so often; before that, the locks of single codes.
    assert (await rows_after(world))["second_factor_failures"] <= max(before, GUARDED_AFTER) + STRONG_TRIES
    await assert_only_own_mistakes_count(world, account, known)


async def test_the_owner_signs_in_while_strangers_guess_passwords(world: World):
    """From one address and from many, at this account, at those beside it, and at made-up ones."""
    account, known = await at_home(world)
    newcomers = [await world.an_account(f"newcomer-{number}@student.com") for number in range(len(MOMENTS) + 1)]
    midway = Owner(Siege(world, []), newcomers[-1], world.a_browser(ELSEWHERE))
    at_enrollment = await midway.reach("enroll")
    emails = [account.email, *(newcomer.email for newcomer in newcomers)]
    from_one = GuessesPasswords([account.email], addresses("203.0.113", 1))
    from_many = GuessesPasswords(emails, addresses("192.0.2", 8), most=6)
    made_up = GuessesPasswords([], addresses("203.0.114", 2), most=25)
    siege = Siege(world, [from_one, from_many, made_up])

    async def everyone_signs_in(number: int) -> None:
        await signs_in_twice(siege, account, known)
        await Owner(siege, newcomers[number], world.a_browser(ELSEWHERE)).get_in()

    await siege.amid(midway.go_on(at_enrollment))
    await siege.last_an_hour(everyone_signs_in)

    assert from_one.responses["throttled"] > 5
    assert made_up.responses["throttled"] > 0
    rows = await rows_after(world)
    # A network has two counters; each account tried there, at most so many in two windows, one or two more.
    most_accounts = 2 * NetworkLimits().usual.accounts
    assert rows["throttles"] <= (1 + 8 + 2) * (2 + 2 * most_accounts) + 10 * (1 + len(newcomers))
    # Strangers without the password begin no login and fail at no second factor.
    assert rows["pending_logins"] <= 4 * len(MOMENTS) + 2 * (1 + len(newcomers))
    assert rows["second_factor_failures"] == rows["email_code_failures"] == rows["totp_setups"] == 0
    assert not (await emails_to(world, account)).keys() & WARNINGS
    await assert_only_own_mistakes_count(world, account, known)
    later = await rows_a_day_later(world)
    assert later["pending_logins"] == later["throttles"] == 0


async def test_a_new_password_lets_a_new_browser_in(world: World):
    """Strangers' tries with the old password no longer count."""
    account, _ = await at_home(world)
    await strangers_failed(world, account, GUARDED_AFTER, ago=timedelta(days=1))
    codes = GuessesCodes(account, addresses("192.0.2", 7), most=7)
    siege = Siege(world, [codes])
    await siege.until(3000)
    assert (await rows_after(world))["second_factor_failures"] == GUARDED_AFTER + STRONG_TRIES
    account.backup_codes = ()

    account.password = "paper-lantern-orchard-71"
    await world.services.administration.set_password(account.email, account.password, OPERATOR)
    done = await Owner(siege, account, world.a_browser(ELSEWHERE)).get_in()

    assert done["step"] == "done"
