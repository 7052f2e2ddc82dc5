"""MFA_POLICY=optional: the password is enough for accounts without a factor, and only for those."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from focys.features.sessions import sessions
from tests.conftest import MakeWorld
from tests.support.clock import FrozenClock
from tests.support.jar import KNOWN, LOGIN, REFRESH, cookie
from tests.support.rows import count_of
from tests.support.service import OPERATOR, Account, World

WRONG = "wrong-horse-battery-77"


@pytest.fixture
async def optional(make_world: MakeWorld) -> AsyncIterator[World]:
    async with make_world(mfa_policy="optional") as world:
        yield world


@pytest.fixture
async def both(make_world: MakeWorld) -> AsyncIterator[tuple[World, World]]:
    """One database under two policies, as before and after a change of the setting: required, optional."""
    clock = FrozenClock()
    async with make_world(clock=clock) as required, make_world(clock=clock, mfa_policy="optional") as relaxed:
        yield required, relaxed


async def test_a_password_alone_signs_in(optional: World):
    account, browser = await optional.an_account(), optional.a_browser()

    done = await browser.sign_in_with_password(account)

    assert (done.status_code, done.json()["step"], done.json()["user"]["mfa_enabled"]) == (200, "done", False)
    assert set(browser.http.cookies) == {REFRESH, KNOWN}
    me = (await browser.me(done.json()["access_token"])).json()
    assert (me["amr"], me["factors"]) == (["pwd"], [])
    assert (await browser.post("/auth/refresh")).status_code == 200
    assert optional.mail.emails == []


async def test_an_enrolled_account_still_needs_its_factor(both: tuple[World, World]):
    required, relaxed = both
    account = await required.an_account(enrolled=True)
    before = await count_of(relaxed, sessions)

    browser = await relaxed.at_second_factor(account)

    assert await count_of(relaxed, sessions) == before
    assert set(browser.http.cookies) == {LOGIN}
    done = await browser.offer(account.code(relaxed.clock))
    assert (await browser.me(done.json()["access_token"])).json()["amr"] == ["pwd", "otp", "mfa"]


async def test_a_password_only_session_ends_when_mfa_becomes_required(both: tuple[World, World]):
    """SESS-08, FLOW-06: neither its access token nor its refresh token goes on under the stricter policy."""
    required, relaxed = both
    account, browser = await relaxed.an_account(), relaxed.a_browser()
    token = (await browser.sign_in_with_password(account)).json()["access_token"]

    strict = required.a_browser()
    strict.http.cookies = browser.http.cookies

    assert (await strict.me(token)).json()["code"] == "not_authenticated"
    assert (await strict.post("/auth/refresh")).json()["code"] == "session_ended"


async def test_wrong_unknown_and_disabled_look_the_same(optional: World):
    account = await optional.an_account()
    carol = await optional.an_account("carol@student.com")
    await optional.services.accounts.set_disabled(carol.email, OPERATOR, disabled=True)

    refused = [
        await optional.a_browser().post("/auth/login", {"email": address, "password": password})
        for address, password in (
            (account.email, WRONG),
            ("nobody@student.com", WRONG),
            (carol.email, carol.password),
        )
    ]

    assert {response.content for response in refused} == {refused[0].content}
    assert refused[0].status_code == 401
    assert await count_of(optional, sessions) == 0


async def test_disabling_the_account_before_the_commit_refuses_the_password(
    optional: World, monkeypatch: pytest.MonkeyPatch
):
    """FLOW-06: disabled while the hash was computed."""
    account = await optional.an_account()
    passwords = optional.services.passwords
    verify = passwords.verify

    async def verify_and_disable(stored: str | None, typed: str) -> bool:
        fits = await verify(stored, typed)
        await optional.services.accounts.set_disabled(account.email, OPERATOR, disabled=True)
        return fits

    monkeypatch.setattr(passwords, "verify", verify_and_disable)
    response = await optional.a_browser().sign_in_with_password(account)

    assert not response.is_success
    assert await count_of(optional, sessions) == 0


async def test_parallel_sign_ins_are_not_counted_as_failures(optional: World):
    """LOCK-09: those that came too close are asked to come back, and no right password counts as a failure."""
    account = await optional.an_account()

    responses = await asyncio.gather(*(optional.a_browser().sign_in_with_password(account) for _ in range(4)))

    opened = [response for response in responses if response.is_success]
    assert opened
    assert {response.json()["code"] for response in responses if not response.is_success} <= {"throttled"}
    assert await count_of(optional, sessions) == len(opened)
    for _ in range(5):
        wrong = await optional.a_browser().post("/auth/login", {"email": account.email, "password": WRONG})
        assert wrong.json()["code"] == "invalid_credentials"


async def test_a_new_sign_in_ends_the_login_in_progress(both: tuple[World, World]):
    """FLOW-09: no matter whose it was."""
    required, relaxed = both
    alice: Account = await required.an_account(enrolled=True)
    bob = await relaxed.an_account("bob@student.com")
    browser = await relaxed.at_second_factor(alice)
    login_token = cookie(browser)

    assert (await browser.sign_in_with_password(bob)).json()["step"] == "done"

    assert cookie(browser) == ""
    stale = await relaxed.a_browser().get("/auth/login", headers={"Cookie": f"{LOGIN}={login_token}"})
    assert stale.json()["code"] == "login_expired"
