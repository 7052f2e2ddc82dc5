"""Wrong passwords: five are free, then they wait; never in the way of the owner's own browser; alike for all addresses."""

import httpx
import pytest

from focys.features.rate_limits import throttles
from tests.conftest import MakeWorld
from tests.support.attempts import fail
from tests.support.rows import rows_of
from tests.support.service import ADDRESS, OPERATOR, Browser, World

UNKNOWN = "nobody@student.com"


async def guess(browser: Browser, address: str = ADDRESS, password: str = "wrong-horse-battery-77"):
    return await browser.post("/auth/login", {"email": address, "password": password})


def told(response: httpx.Response) -> tuple[str, int]:
    """The code, and the seconds to wait (0: none)."""
    return response.json()["code"], response.json().get("retry_after", 0)


@pytest.mark.parametrize("address", [ADDRESS, UNKNOWN, "carol@student.com"])
async def test_the_wait_doubles_after_five_wrong_passwords(world: World, address: str):
    """LOCK-09, LOCK-11: the same for an account, an unknown address and a disabled account."""
    await world.an_account()
    await world.an_account("carol@student.com")
    await world.services.accounts.set_disabled("carol@student.com", OPERATOR, disabled=True)
    browser, waits = world.a_browser(), []

    for _ in range(5):
        assert told(await guess(browser, address)) == ("invalid_credentials", 0)
    for _ in range(8):
        refused = await guess(browser, address)
        code, wait = told(refused)
        assert (refused.status_code, code, refused.headers["Retry-After"]) == (429, "throttled", str(wait))
        waits.append(wait)
        world.clock.advance(seconds=wait - 1)
        assert told(await guess(browser, address)) == ("throttled", 1)
        world.clock.advance(seconds=1)
        assert told(await guess(browser, address)) == ("invalid_credentials", 0)

    assert waits == [15, 30, 60, 120, 240, 480, 900, 900]


async def test_the_right_password_has_to_wait_too(world: World):
    account, browser = await world.an_account(), world.a_browser()
    for _ in range(5):
        await guess(browser)

    for _ in range(3):
        assert told(await browser.sign_in_with_password(account)) == ("throttled", 15)
    world.clock.advance(seconds=15)

    assert (await browser.sign_in_with_password(account)).json()["step"] == "email_code"


async def test_a_right_password_is_not_counted(world: World):
    """LOCK-09: twelve sign-ins in a row never wait."""
    account = await world.an_account(enrolled=True)

    for _ in range(12):
        await world.at_second_factor(account)


async def test_a_strangers_right_password_clears_no_failures(world: World):
    """LOCK-09: it gives back its own try and no other."""
    account, browser = await world.an_account(), world.a_browser()
    for _ in range(4):
        await guess(browser)

    await browser.sign_in_with_password(account)

    assert told(await guess(browser)) == ("invalid_credentials", 0)
    assert told(await guess(browser))[0] == "throttled"


async def test_an_attacker_does_not_delay_the_owners_browser(world: World):
    """LOCK-09, AVL-08: known by its cookie, it counts for itself, even in the attacker's own network."""
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account)
    for _ in range(5):
        await guess(world.a_browser())
    assert told(await guess(world.a_browser()))[0] == "throttled"

    assert (await owner.sign_in_with_password(account)).json()["step"] == "totp"


async def test_another_network_does_not_wait(world: World):
    """LOCK-09: per account and source."""
    account = await world.an_account()
    for _ in range(5):
        await guess(world.a_browser())

    elsewhere = await world.a_browser("198.51.100.77").sign_in_with_password(account)

    assert elsewhere.json()["step"] == "email_code"


async def test_a_known_browser_counts_separately_and_resets_on_success(world: World):
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account)
    for _ in range(4):
        await guess(owner)
    await world.at_second_factor(account, owner)

    for _ in range(5):
        assert told(await guess(owner)) == ("invalid_credentials", 0)
    assert told(await guess(owner)) == ("throttled", 15)


async def test_an_unknown_cookie_gets_no_bucket_of_its_own(world: World):
    """LOCK-09, LOCK-10: neither an invented cookie nor another account's makes a bucket of its own."""
    await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)
    bobs, _ = await world.signed_in(bob)

    for i in range(5):
        await world.a_browser().post(
            "/auth/login",
            {"email": ADDRESS, "password": "wrong-horse-battery-77"},
            headers={"Cookie": f"focys_browser=made-up-{i}"},
        )

    assert told(await guess(bobs))[0] == "throttled"


async def test_wrong_passwords_are_forgotten_after_a_day(world: World):
    await world.an_account()
    for _ in range(5):
        await guess(world.a_browser())

    world.clock.advance(hours=24, seconds=1)

    for _ in range(5):
        assert told(await guess(world.a_browser())) == ("invalid_credentials", 0)


async def test_right_passwords_do_not_prolong_the_memory_of_wrong_ones(world: World):
    """LOCK-09, LOCK-08: for someone who signs in every morning, last week's mistakes no longer count."""
    account = await world.an_account(enrolled=True)
    for _ in range(4):
        await guess(world.a_browser())
    for _ in range(3):
        world.clock.advance(hours=8, seconds=1)
        await world.at_second_factor(account)

    for _ in range(5):
        assert told(await guess(world.a_browser())) == ("invalid_credentials", 0)
    assert told(await guess(world.a_browser())) == ("throttled", 15)


async def test_an_operator_can_lift_the_wait(world: World):
    account = await world.an_account()
    for _ in range(5):
        await guess(world.a_browser())

    await world.services.administration.unlock(account.email, OPERATOR)

    assert (await world.a_browser().sign_in_with_password(account)).json()["step"] == "email_code"


async def test_all_spellings_of_an_address_count_together(world: World):
    for spelling in (
        "nobody@student.com",
        "NOBODY@student.com",
        " nobody@STUDENT.com",
        "nobody@student.com ",
        "Nobody@Student.com",
    ):
        assert told(await guess(world.a_browser(), spelling)) == ("invalid_credentials", 0)

    assert told(await guess(world.a_browser(), UNKNOWN)) == ("throttled", 15)


async def test_the_counters_contain_no_address(world: World):
    """LOCK-11: a keyed hash stands for it, also for an unknown one."""
    await world.an_account()
    await guess(world.a_browser())
    await guess(world.a_browser(), UNKNOWN)

    keys = [row.key for row in await rows_of(world, throttles)]

    assert keys
    assert not any(word in key for key in keys for word in ("student", "alice", "nobody"))


async def test_a_network_has_thirty_failures_in_fifteen_minutes(world: World):
    """LOCK-10: over many accounts; a success of one's own in between clears nothing."""
    own = await world.an_account("mallory@student.com")
    for i in range(30):
        assert told(await guess(world.a_browser(), f"user{i % 15}@student.com")) == ("invalid_credentials", 0)
        if i % 10 == 0:
            assert (await world.a_browser().sign_in_with_password(own)).status_code == 200

    code, wait = told(await guess(world.a_browser(), "another@student.com"))
    assert (code, wait) == ("throttled", 900)
    assert told(await world.a_browser().sign_in_with_password(own))[0] == "throttled"
    world.clock.advance(seconds=wait)
    assert told(await guess(world.a_browser(), "another@student.com")) == ("invalid_credentials", 0)


async def test_a_network_may_try_twenty_accounts_an_hour(world: World):
    """LOCK-10: the 21st account has to wait, an account already tried counts once."""
    for i in range(20):
        assert told(await guess(world.a_browser(), f"user{i}@student.com")) == ("invalid_credentials", 0)

    world.clock.advance(minutes=15)
    code, wait = told(await guess(world.a_browser(), "user20@student.com"))

    assert (code, wait) == ("throttled", 2700)
    world.clock.advance(seconds=wait)
    assert told(await guess(world.a_browser(), "user20@student.com")) == ("invalid_credentials", 0)


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.9", "192.0.2.9", True),
        ("192.0.2.9", "192.0.2.10", False),
    ],
)
async def test_a_network_is_an_ipv4_address_or_a_64(world: World, first: str, second: str, *, is_one: bool):
    for _ in range(5):
        await guess(world.a_browser(first))

    response = await guess(world.a_browser(second))

    assert told(response)[0] == ("throttled" if is_one else "invalid_credentials")


async def test_a_throttled_start_does_not_count_a_right_password(make_world: MakeWorld):
    """LOCK-09, FLOW-08: a network that has started too many sign-ins does not wait because of the password."""
    async with make_world(logins_per_network=5) as world:
        account = await world.an_account()
        for _ in range(5):
            assert (await world.a_browser().sign_in_with_password(account)).json()["step"] == "email_code"

        for _ in range(7):
            assert told(await world.a_browser().sign_in_with_password(account)) == ("throttled", 300)
        for _ in range(5):
            assert told(await guess(world.a_browser())) == ("invalid_credentials", 0)
        world.clock.advance(minutes=5)

        assert (await world.a_browser().sign_in_with_password(account)).json()["step"] == "email_code"


async def test_account_locks_stay_in_the_database_with_memory_storage(make_world: MakeWorld):
    """LOCK-01: the setting moves the limits of a source only."""
    async with make_world(rate_limit_storage="memory://") as world:
        account = await world.an_account(enrolled=True)
        await fail(world, account, 5)
        for _ in range(5):
            await guess(world.a_browser("203.0.113.5"))
        assert told(await guess(world.a_browser("203.0.113.5")))[0] == "throttled"
    async with make_world(rate_limit_storage="memory://") as restarted:
        restarted.clock.moment = world.clock.moment
        assert told(await guess(restarted.a_browser("203.0.113.5")))[0] == "throttled"
        browser = await restarted.at_second_factor(account)
        assert (await browser.offer(account.code(world.clock))).json()["code"] == "account_locked"
