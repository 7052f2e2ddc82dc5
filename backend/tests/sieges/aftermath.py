"""The aftermath of a siege: rows, emails, and the tries of the owner's browser."""

from collections import Counter

from limits import RateLimitItem

from focys.features.email_code import email_code_failures
from focys.features.lockout import second_factor_failures
from focys.features.login import pending_logins
from focys.features.outbox import outbox
from focys.features.rate_limits import LOGINS_STARTED, throttles
from focys.features.totp import totp_setups
from tests.sieges.siege import HOUR
from tests.support.attempts import offer_wrong
from tests.support.rows import count_of
from tests.support.service import Account, Browser, World

CODE = "a code"
ADDED, NEW_BROWSER = "A second step was added to your account", "New sign-in to your account"
BACKUP_USED = "A backup code was used"
FAILING, LOCKED = "Wrong codes on your account", "Your account is locked for a while"
GUARDED, UNFINISHED = "Your account now asks for two codes", "Someone knows your password"
WARNINGS = {FAILING, LOCKED, GUARDED, UNFINISHED}
"""The emails that strangers cause, each kind at most once an hour."""

_TABLES = (pending_logins, second_factor_failures, email_code_failures, throttles, outbox, totp_setups)


def most_in_an_hour(limit: RateLimitItem) -> int:
    """Return how much a limit allows within an hour: a window begins with its first count, so one more may fit in."""
    return limit.amount * (HOUR // limit.get_expiry() + 1)


LOGINS = most_in_an_hour(LOGINS_STARTED)
"""Logins of one account that one network can begin in an hour."""


async def rows_after(world: World) -> Counter[str]:
    """Let the hourly cleanup delete expired rows, and return how many rows each table has then."""
    await world.services.housekeeping.forget()
    return Counter({table.name: await count_of(world, table) for table in _TABLES})


async def rows_a_day_later(world: World) -> Counter[str]:
    """Return how many rows there are when nothing has happened for a day and an hour."""
    world.clock.advance(hours=25)
    return await rows_after(world)


async def emails_to(world: World, account: Account) -> Counter[str]:
    """Return how many emails of each kind were sent to the owner."""
    await world.deliver()
    kinds = Counter[str]()
    for to, email in world.mail.emails:
        if to == account.email:
            kinds[CODE if email.code else email.subject.removesuffix(" · FOCYS")] += 1
    return kinds


async def tries_left(account: Account, browser: Browser) -> int | None:
    """Return how many tries a sign-in that begins now has in a browser."""
    begun = await browser.sign_in_with_password(account)
    return begun.json()["tries_left"]  # type: ignore[no-any-return]


async def assert_only_own_mistakes_count(world: World, account: Account, known: Browser) -> None:
    """Check that a known browser has all its tries, and loses one by its own mistake."""
    assert await tries_left(account, known) == 5
    await offer_wrong(world, account, known)
    assert await tries_left(account, known) == 4
