"""Which code a login takes, and whether it is emailed: its own, the one its browser waits for, or a shared one."""

import pytest

from tests.conftest import MakeWorld
from tests.support.attempts import at_mailed_code, enter_mailed_code, wrong_mailed_code
from tests.support.jar import cookie, put
from tests.support.service import Account, Browser, World

NETWORK = "203.0.113.5"


async def mailed(world: World) -> list[str | None]:
    """Every code that was emailed, oldest first."""
    await world.deliver()
    return [email.code for _, email in world.mail.emails]


async def start(world: World, account: Account, network: str = NETWORK) -> Browser:
    world.clock.advance(seconds=1)
    return await at_mailed_code(world, account, world.a_browser(network))


async def test_signing_in_again_keeps_the_code(world: World):
    """EOTP-05: signing in again sends no email, forgets no wrong try and extends nothing; the old cookie is dead."""
    account = await world.an_account()
    browser = await at_mailed_code(world, account)
    old, codes = cookie(browser), await mailed(world)
    await enter_mailed_code(browser, wrong_mailed_code(world, account))
    world.clock.advance(seconds=90)

    again = (await browser.sign_in_with_password(account)).json()

    assert await mailed(world) == codes
    assert (again["tries_left"], again["expires_in"], again["resend_after"]) == (4, 210, 0)
    assert cookie(browser) != old
    stale = put(world.a_browser(), old)
    assert (await enter_mailed_code(stale, codes[0] or "")).json()["code"] == "login_expired"
    assert (await enter_mailed_code(browser, codes[0] or "")).json()["step"] == "enroll"


@pytest.mark.parametrize(("seconds", "is_mailed"), [(239, False), (240, True)])
async def test_a_code_about_to_expire_is_replaced(world: World, seconds: int, *, is_mailed: bool):
    """EOTP-05, UX: too little time to find the email and type."""
    account = await world.an_account()
    browser = await at_mailed_code(world, account)
    world.clock.advance(seconds=seconds)

    await browser.sign_in_with_password(account)

    assert len(await mailed(world)) == 1 + is_mailed
    assert (await enter_mailed_code(browser, world.mail.last_code(account.email))).json()["step"] == "enroll"


async def test_a_dead_code_is_replaced_when_signing_in_again(world: World):
    """EOTP-04: by one with its own tries."""
    account = await world.an_account()
    browser = await at_mailed_code(world, account)
    for _ in range(5):
        await enter_mailed_code(browser, wrong_mailed_code(world, account))

    again = (await browser.sign_in_with_password(account)).json()

    assert again["tries_left"] == 5
    first, second = await mailed(world)
    assert first != second
    assert (await enter_mailed_code(browser, second or "")).json()["step"] == "enroll"


async def test_another_account_in_the_same_browser_gets_its_own_code(world: World):
    alice, bob = await world.an_account(), await world.an_account("bob@student.com")
    browser = await at_mailed_code(world, alice)

    await at_mailed_code(world, bob, browser)

    assert len(await mailed(world)) == 2
    assert (await enter_mailed_code(browser, world.mail.last_code(bob.email))).json()["step"] == "enroll"


async def test_after_three_codes_a_networks_logins_share_the_last_one(world: World):
    """EOTP-05, AVL-08: no more emails, and the owner, who reads the mailbox, can go on in any of them."""
    account = await world.an_account()
    own = [await start(world, account) for _ in range(3)]
    codes = await mailed(world)
    sharing = [await start(world, account) for _ in range(2)]

    assert len(set(codes)) == 3
    assert await mailed(world) == codes
    state = (await sharing[0].get("/auth/login")).json()
    assert (state["step"], state["tries_left"], state["code_length"]) == ("email_code", 5, 6)
    wrong = (await enter_mailed_code(sharing[1], codes[0] or "")).json()
    assert (wrong["code"], wrong["tries_left"]) == ("invalid_code", 4)

    assert (await enter_mailed_code(sharing[0], codes[2] or "")).json()["step"] == "enroll"

    # One of them may be a stranger's; the others go on, each to a set-up of its own.
    for browser, code in ((own[2], codes[2]), (sharing[1], codes[2]), (own[0], codes[0])):
        assert (await enter_mailed_code(browser, code or "")).json()["step"] == "enroll"
    assert (await enter_mailed_code(sharing[0], codes[2] or "")).json()["code"] == "out_of_turn"


async def test_another_network_gets_its_own_code(world: World):
    """EOTP-05, AVL-08: a stranger who keeps starting logins does not decide which code the owner gets."""
    account = await world.an_account()
    for _ in range(5):
        await start(world, account)

    owner = await start(world, account, "198.51.100.9")

    codes = await mailed(world)
    assert len(codes) == 4
    assert (await enter_mailed_code(owner, codes[3] or "")).json()["step"] == "enroll"


async def test_beyond_the_daily_limit_one_code_is_emailed_every_five_minutes(world: World):
    """EOTP-05, AVL-08: ten a day of their own; then the owner waits for the next, and is not flooded."""
    account = await world.an_account()
    for number in range(10):
        await start(world, account, f"198.51.100.{number}")
    assert len(await mailed(world)) == 10

    for minute in range(12):
        world.clock.advance(minutes=1)
        browser = await start(world, account, f"192.0.2.{minute + 1}")
    codes = await mailed(world)

    assert len(codes) == 12
    assert (await enter_mailed_code(browser, codes[-1] or "")).json()["step"] == "enroll"
    world.clock.advance(days=1)
    await start(world, account)
    await start(world, account)
    assert len(await mailed(world)) == 14


async def test_the_codes_per_network_are_a_setting(make_world: MakeWorld):
    """EOTP-05: a school behind one address has more people than a household."""
    async with make_world(emailed_codes_per_network=5) as world:
        account = await world.an_account()

        for _ in range(7):
            await start(world, account)

        assert len(await mailed(world)) == 5
