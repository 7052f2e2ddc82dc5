"""A hundred wrong passwords in a row close their bucket: the account to one network, or to one known browser."""

import pytest
from sqlalchemy import update

from focys.features.audit import audit_events
from focys.features.rate_limits import throttles
from focys.features.throttling import CLOSED_AFTER
from focys.infra.db.database import Change
from tests.features.lockout.test_wrong_passwords import guess, told
from tests.support.hashing import record_comparisons
from tests.support.rows import rows_of
from tests.support.service import ADDRESS, OPERATOR, Account, Browser, World

ATTACKER = "203.0.113.7"
UNKNOWN = "nobody@student.com"
NEW_PASSWORD = "velvet-compass-meadow-94"
CLOSED = "Too many wrong passwords for your account · FOCYS"


async def guess_on(world: World, browser: Browser, times: int, address: str = ADDRESS) -> list[str]:
    """Guess patiently: each password once the wait for it is over."""
    codes = []
    for _ in range(times):
        code, _ = told(await guess(browser, address))
        codes.append(code)
        world.clock.advance(minutes=15)
    return codes


async def nearly_closed(world: World, *browsers: Browser, address: str = ADDRESS) -> None:
    """Put ninety-nine wrong passwords in the bucket of each browser, the last one a while ago."""
    for browser in browsers:
        assert await guess_on(world, browser, 1, address) == ["invalid_credentials"]
    failed = update(throttles).where(throttles.c.key.like("password:%"), throttles.c.hits > 0)
    await world.services.database.write(Change(failed.values(hits=CLOSED_AFTER - 1)))


async def closed(world: World, browser: Browser | None = None, address: str = ADDRESS) -> Browser:
    """A browser (a stranger's by default) whose bucket has just been closed."""
    browser = browser or world.a_browser(ATTACKER)
    await nearly_closed(world, browser, address=address)
    assert await guess_on(world, browser, 1, address) == ["invalid_credentials"]
    return browser


async def offers(browser: Browser, account: Account) -> tuple[str, int]:
    """The response to the right password, and how many comparisons it took."""
    with pytest.MonkeyPatch.context() as patch:
        compared = record_comparisons(patch)
        response = await browser.sign_in_with_password(account)
    return str(response.json().get("code") or response.json()["step"]), len(compared)


@pytest.mark.parametrize("address", [ADDRESS, UNKNOWN])
async def test_after_a_hundred_wrong_passwords_none_is_compared(world: World, address: str):
    """LOCK-08, LOCK-11: not even the right one, however long the guesser waits; unknown addresses look the same."""
    account, browser = await world.an_account(), world.a_browser(ATTACKER)
    account.email = address
    assert await guess_on(world, browser, CLOSED_AFTER, address) == ["invalid_credentials"] * CLOSED_AFTER

    first = told(await guess(browser, address))
    told_then = [await offers(browser, account)]
    for days in (1, 30, 300):
        world.clock.advance(days=days)
        told_then.append(await offers(browser, account))

    assert first == ("throttled", 900)
    assert told_then == [("throttled", 0)] * 4


async def test_the_hundredth_password_is_still_compared(world: World):
    account, browser = await world.an_account(), world.a_browser(ATTACKER)
    await nearly_closed(world, browser)

    assert await offers(browser, account) == ("email_code", 1)
    assert await guess_on(world, browser, 2) == ["invalid_credentials", "throttled"]


async def test_wrong_passwords_a_day_apart_are_not_in_a_row(world: World):
    account, browser = await world.an_account(), world.a_browser(ATTACKER)
    await nearly_closed(world, browser)

    world.clock.advance(hours=24)
    await guess_on(world, browser, 2)

    assert await offers(browser, account) == ("email_code", 1)


async def test_other_networks_and_known_browsers_are_not_closed(world: World):
    """LOCK-08, AVL-08: nobody closes the owner's ways in from outside."""
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account, world.a_browser(ATTACKER))
    await closed(world)

    assert (await owner.sign_in_with_password(account)).json()["step"] == "totp"
    elsewhere = world.a_browser("198.51.100.9")
    assert (await elsewhere.sign_in_with_password(account)).json()["step"] == "totp"


async def test_a_known_browser_is_closed_separately(world: World):
    """LOCK-08: one trusted device is a bucket, too."""
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account)
    await closed(world, owner)

    assert await offers(owner, account) == ("throttled", 0)
    assert (await world.a_browser().sign_in_with_password(account)).json()["step"] == "totp"


async def test_an_operator_reopens_a_closed_bucket(world: World):
    account = await world.an_account()
    browser = await closed(world)

    await world.services.administration.unlock(account.email, OPERATOR)

    assert await offers(browser, account) == ("email_code", 1)


async def test_a_new_password_reopens_a_closed_bucket(world: World):
    """LOCK-08: and earlier guesses do not delay it."""
    account = await world.an_account()
    browser = await closed(world)
    for _ in range(5):
        await guess(world.a_browser("198.51.100.9"))

    await world.services.administration.set_password(account.email, NEW_PASSWORD, OPERATOR)
    account.password = NEW_PASSWORD

    assert await offers(browser, account) == ("email_code", 1)
    assert await offers(world.a_browser("198.51.100.9"), account) == ("email_code", 1)


async def test_a_closed_bucket_is_kept_for_a_year(world: World):
    """LOCK-08: so that the table stays bounded."""
    account = await world.an_account()
    browser = await closed(world)
    housekeeping = world.services.housekeeping

    world.clock.advance(days=364)
    await housekeeping.forget()
    within = await offers(browser, account)
    world.clock.advance(days=2)
    await housekeeping.forget()

    assert within == ("throttled", 0)
    assert [row.key for row in await rows_of(world, throttles) if row.key.startswith("password:")] == []
    assert await offers(browser, account) == ("email_code", 1)


async def test_closing_sends_one_email_and_writes_one_audit_row(world: World):
    """LOCK-08: at the hundredth, with when, from where, and what to do."""
    account, browser = await world.an_account(), world.a_browser(ATTACKER)
    await nearly_closed(world, browser)
    await world.deliver()
    before = world.mail.subjects(account.email)
    at = f"{world.clock.now():%Y-%m-%d %H:%M} UTC"

    await guess(browser)
    await world.deliver()
    await guess_on(world, browser, 4)
    await world.deliver()

    assert (before, world.mail.subjects(account.email)) == ([], [CLOSED])
    text = " ".join(world.mail.emails[-1][1].paragraphs)
    assert all(words in text for words in (at, f"from {ATTACKER}", "from other networks", "administrator"))
    details = [row.detail for row in await rows_of(world, audit_events) if row.event == "password"]
    assert details.count("closed after 100 wrong passwords") == 1


async def test_the_email_says_when_it_was_a_known_browser(world: World):
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account)

    await nearly_closed(world, owner)
    await guess(owner)
    await world.deliver()

    assert world.mail.subjects(account.email)[-1] == CLOSED
    text = " ".join(world.mail.emails[-1][1].paragraphs)
    assert "in a browser you have signed in with before" in text
    assert "with another browser" in text


async def test_many_networks_cause_one_email_an_hour(world: World):
    """LOCK-08: a botnet does not fill a mailbox."""
    account = await world.an_account()
    browsers = [world.a_browser(f"203.0.113.{i}") for i in range(3)]
    await nearly_closed(world, *browsers)

    codes = [told(await guess(browser))[0] for browser in browsers]
    await world.deliver()

    assert codes == ["invalid_credentials"] * 3
    assert world.mail.subjects(account.email) == [CLOSED]


async def test_a_disabled_account_gets_no_email(world: World):
    account = await world.an_account()
    await world.services.accounts.set_disabled(account.email, OPERATOR, disabled=True)

    await closed(world)
    await world.deliver()

    assert world.mail.subjects(account.email) == []
