"""The mailed code: what it looks like, how long and where it is good, how often it may be tried and asked for."""

import re

import pytest

from focys.features.email_code import email_code_failures
from tests.conftest import MakeWorld
from tests.support.attempts import at_mailed_code, enter_mailed_code, wrong_mailed_code
from tests.support.rows import count_of, execute
from tests.support.service import OPERATOR, Account, Browser, World


async def resend(browser: Browser):
    return await browser.post("/auth/email-code/resend")


async def fail_mailed(world: World, account: Account, browser: Browser, times: int) -> None:
    for _ in range(times):
        response = await enter_mailed_code(browser, wrong_mailed_code(world, account))
        assert response.status_code == 401, response.text


async def ten_failures(world: World, account: Account) -> None:
    for _ in range(2):
        await fail_mailed(world, account, await at_mailed_code(world, account), 5)


async def test_the_response_has_everything_the_page_shows(world: World):
    """UX: masked address, code length, seconds to the next mail, tries, and that the code went to the console."""
    account, browser = await world.an_account(), world.a_browser()

    began = (await browser.sign_in_with_password(account)).json()
    world.clock.advance(seconds=20)
    later = (await browser.get("/auth/status")).json()["login"]

    assert began["email"] == "a…e@student.com"
    assert account.email not in str(began)
    facts = ("step", "code_length", "resend_after", "tries_left", "sender", "expires_in", "guarded", "retry_after")
    assert [began[fact] for fact in facts] == ["email_code", 6, 60, 5, None, 300, False, None]
    assert [later[fact] for fact in facts] == ["email_code", 6, 40, 5, None, 280, False, None]


async def test_every_login_gets_a_new_six_digit_code(world: World):
    account = await world.an_account()
    codes = set()
    for number in range(10):
        await at_mailed_code(world, account, world.a_browser(f"203.0.113.{number}"))
        codes.add(world.mail.last_code(account.email))

    assert len(codes) == 10
    assert all(re.fullmatch(r"[0-9]{6}", code) for code in codes)


@pytest.mark.parametrize(("minutes", "seconds"), [(1, 60), (5, 300), (10, 600)])
async def test_a_code_expires_on_time(make_world: MakeWorld, minutes: int, seconds: int):
    """EOTP-02: five minutes, at most ten."""
    async with make_world(otp_expire_minutes=minutes) as world:
        account = await world.an_account()
        browser = await at_mailed_code(world, account)
        code = world.mail.last_code(account.email)

        world.clock.advance(seconds=seconds)
        late = await enter_mailed_code(browser, code)
        world.clock.advance(seconds=-1)

        assert late.json()["code"] in {"new_code_needed", "login_expired"}
        browser = await at_mailed_code(world, account)
        world.clock.advance(seconds=seconds - 1)
        assert (await enter_mailed_code(browser, world.mail.last_code(account.email))).json()["step"] == "enroll"


async def test_a_code_is_dead_after_five_tries(world: World):
    account = await world.an_account()
    browser = await at_mailed_code(world, account)
    right = world.mail.last_code(account.email)

    told = [(await enter_mailed_code(browser, wrong_mailed_code(world, account))).json() for _ in range(5)]
    sixth = (await enter_mailed_code(browser, right)).json()

    assert [(a["code"], a["tries_left"]) for a in told[:4]] == [("invalid_code", left) for left in (4, 3, 2, 1)]
    assert (told[4]["code"], told[4]["tries_left"]) == ("new_code_needed", 0)
    assert (sixth["code"], sixth["tries_left"]) == ("new_code_needed", 0)
    assert (await browser.get("/auth/login")).json()["tries_left"] == 0


async def test_a_dead_code_is_replaced_by_a_new_one_with_new_tries(world: World):
    account = await world.an_account()
    browser = await at_mailed_code(world, account)
    dead = world.mail.last_code(account.email)
    await fail_mailed(world, account, browser, 5)

    world.clock.advance(seconds=60)
    assert (await resend(browser)).status_code == 202
    await world.deliver()

    assert world.mail.last_code(account.email) != dead
    assert (await browser.get("/auth/login")).json()["tries_left"] == 5
    assert (await enter_mailed_code(browser, dead)).json()["code"] == "invalid_code"
    assert (await enter_mailed_code(browser, world.mail.last_code(account.email))).json()["step"] == "enroll"


async def test_a_resend_sends_the_same_code_and_resets_no_tries(world: World):
    account = await world.an_account()
    browser = await at_mailed_code(world, account)
    code = world.mail.last_code(account.email)
    await fail_mailed(world, account, browser, 2)

    world.clock.advance(seconds=60)
    response = await resend(browser)
    await world.deliver()

    assert (response.status_code, response.json()) == (202, {"resend_after": 60})
    assert [email.code for _, email in world.mail.emails] == [code, code]
    state = (await browser.get("/auth/login")).json()
    assert (state["tries_left"], state["resend_after"]) == (3, 60)
    world.clock.advance(seconds=239)
    assert (await enter_mailed_code(browser, code)).json()["step"] == "enroll"


async def test_resends_are_limited_to_one_a_minute_and_three_in_fifteen(world: World):
    account = await world.an_account()
    browser = await at_mailed_code(world, account)

    too_soon = await resend(browser)
    assert (too_soon.status_code, too_soon.json()["retry_after"], too_soon.headers["Retry-After"]) == (429, 60, "60")
    for _ in range(3):
        world.clock.advance(seconds=60)
        assert (await resend(browser)).status_code == 202
    world.clock.advance(seconds=60)
    fourth = await resend(browser)

    assert (fourth.status_code, fourth.json()["code"], fourth.json()["retry_after"]) == (429, "throttled", 720)
    browser = await at_mailed_code(world, account)
    world.clock.advance(seconds=60)
    assert (await resend(browser)).json()["code"] == "throttled"


async def test_resends_are_limited_to_ten_a_day(world: World):
    """EOTP-05: however they are spread over logins."""
    account, sent = await world.an_account(), 0
    for _ in range(6):
        browser = await at_mailed_code(world, account)
        for _ in range(3):
            world.clock.advance(seconds=60)
            sent += (await resend(browser)).status_code == 202
        world.clock.advance(minutes=15)

    assert sent == 10


async def test_resends_are_counted_per_account(world: World):
    alice, bob = await world.an_account(), await world.an_account("bob@student.com")
    browser, other = await at_mailed_code(world, alice), await at_mailed_code(world, bob)
    for _ in range(4):
        world.clock.advance(seconds=60)
        await resend(browser)

    assert (await resend(other)).status_code == 202


async def test_six_digits_can_be_guessed_ten_times_in_all(world: World):
    """EOTP-05, EOTP-07: five logins are begun beforehand, and every one of them guesses on."""
    account = await world.an_account()
    browsers = [await at_mailed_code(world, account) for _ in range(5)]
    told: list[str] = []

    for browser in [*browsers, *browsers]:
        for _ in range(6):
            if (await browser.get("/auth/login")).json()["code_length"] != 6:
                break
            response = await enter_mailed_code(browser, "000000")
            told.append(response.json()["code"])
        world.clock.advance(seconds=20)
        await resend(browser)

    assert await count_of(world, email_code_failures) == 10
    assert told.count("invalid_code") <= 10


async def test_a_code_works_only_in_its_own_login(world: World):
    account = await world.an_account()
    first = await at_mailed_code(world, account)
    code = world.mail.last_code(account.email)
    second = await at_mailed_code(world, account, world.a_browser("203.0.113.5"))

    assert (await enter_mailed_code(second, code)).json()["code"] == "invalid_code"
    assert (await enter_mailed_code(first, code)).json()["step"] == "enroll"


async def test_another_accounts_code_is_refused(world: World):
    alice, bob = await world.an_account(), await world.an_account("bob@student.com")
    await at_mailed_code(world, alice)
    browser = await at_mailed_code(world, bob)

    assert (await enter_mailed_code(browser, world.mail.last_code(alice.email))).json()["code"] == "invalid_code"


async def test_after_ten_failures_the_code_has_sixteen_characters(world: World):
    """EOTP-07: and is forgiving to read."""
    account = await world.an_account()
    await ten_failures(world, account)

    browser = await at_mailed_code(world, account)
    code = world.mail.last_code(account.email)

    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}", code)
    assert (await browser.get("/auth/login")).json()["code_length"] == 16
    six = await enter_mailed_code(browser, "123456")
    assert (six.status_code, six.json()["errors"][0]["field"]) == (422, "code")
    typed = code.replace("-", " ").lower().replace("0", "o").replace("1", "l")
    assert (await enter_mailed_code(browser, typed)).json()["step"] == "enroll"


async def test_a_resend_can_send_a_long_code(world: World):
    """EOTP-07: the login began with six digits; its next mail has sixteen characters."""
    account = await world.an_account()
    await fail_mailed(world, account, await at_mailed_code(world, account), 5)
    browser = await at_mailed_code(world, account)
    await fail_mailed(world, account, browser, 5)
    world.clock.advance(seconds=60)

    await resend(browser)
    await world.deliver()

    assert (await browser.get("/auth/login")).json()["code_length"] == 16
    assert (await enter_mailed_code(browser, world.mail.last_code(account.email))).json()["step"] == "enroll"


@pytest.mark.parametrize("what", ["a year", "an operator"])
async def test_codes_become_short_again(world: World, what: str):
    """EOTP-07: the failures are a year old, or an operator unlocked the account; a success is not enough."""
    account = await world.an_account()
    await ten_failures(world, account)
    browser = await at_mailed_code(world, account)
    await enter_mailed_code(browser, world.mail.last_code(account.email))
    assert (await (await at_mailed_code(world, account)).get("/auth/login")).json()["code_length"] == 16

    if what == "a year":
        world.clock.advance(days=365)
    else:
        await world.services.administration.unlock(account.email, OPERATOR)

    assert (await (await at_mailed_code(world, account)).get("/auth/login")).json()["code_length"] == 6


async def test_the_email_contains_nothing_a_user_chose(world: World):
    """EOTP-10: code first, how long, when, the network, what to do; nothing that a user chose."""
    account = await world.an_account()
    await execute(world, "UPDATE users SET display_name = '<a href=evil>Win a prize</a>'")
    browser = world.a_browser("2001:db8:1:2::77")
    browser.http.headers["User-Agent"] = "Win a prize"

    await at_mailed_code(world, account, browser)

    to, email = world.mail.emails[-1]
    text = " ".join(email.paragraphs)
    assert to == account.email
    assert email.subject == f"{email.code} is your FOCYS code"
    assert "valid for 5 minutes" in text
    assert "12:00 UTC" in text
    assert "2001:db8:1:2::/64" in text
    assert "2001:db8:1:2::77" not in text
    assert "If that was not you" in text
    assert "prize" not in text + email.subject + email.console
    assert email.console == f"Email code for {account.email}: {email.code} (valid 5 minutes)"
