"""Changing one's own password: what it needs, and what it ends."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from focys.features.accounts import users
from focys.features.audit import audit_events
from focys.features.lockout import second_factor_failures
from focys.features.rate_limits import PASSWORDS_JUDGED
from tests.conftest import MakeWorld
from tests.support.attempts import strangers_failed
from tests.support.jar import REFRESH
from tests.support.rows import count_of, rows_of
from tests.support.service import ADDRESS, OPERATOR, PASSWORD, Account, Browser, World

NEW = "violet-quarry-tandem-77"
CHANGED = "Your password was changed · FOCYS"


@pytest.fixture
async def ren(world: World) -> Account:
    return await world.an_account(enrolled=True)


async def change(browser: Browser, token: str, *, current: str = PASSWORD, new: str = NEW) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await browser.post("/account/password", body, headers={"Authorization": f"Bearer {token}"})


async def judge(browser: Browser, token: str, new: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await browser.post("/account/password/check", {"new_password": new}, headers=headers)


async def step_of(browser: Browser, password: str, email: str = ADDRESS) -> str:
    """The next step of a sign-in with this password, or why it is refused."""
    body = (await browser.post("/auth/login", {"email": email, "password": password})).json()
    return str(body.get("step") or body["code"])


async def user_of(world: World) -> Any:
    [user] = await rows_of(world, users)
    return user


async def test_the_new_password_works_and_the_old_one_does_not(world: World, ren: Account):
    browser, token = await world.signed_in(ren)

    response = await change(browser, token)

    assert response.status_code == 204, response.text
    assert await step_of(world.a_browser(), PASSWORD) == "invalid_credentials"
    assert await step_of(world.a_browser(), NEW) == "totp"
    assert (await user_of(world)).password_changed_at == world.clock.now()


async def test_other_browsers_are_signed_out_at_once_and_this_one_continues(world: World, ren: Account):
    """PWD-08, SESS-11: access and refresh token alike."""
    other, others = await world.signed_in(ren)
    browser, token = await world.signed_in(ren)

    await change(browser, token)

    assert (await other.me(others)).status_code == 401
    assert (await other.post("/auth/refresh")).json()["code"] == "session_ended"
    assert (await browser.me(token)).status_code == 200
    world.clock.advance(minutes=2)
    assert (await browser.post("/auth/refresh")).status_code == 200


async def test_other_browsers_are_no_longer_known_and_this_one_is(world: World, ren: Account):
    """LOCK-05: strangers' failures do not count here, but in the other browser they do."""
    other, _ = await world.signed_in(ren)
    browser, token = await world.signed_in(ren)
    copied = browser.http.cookies["focys_browser"]
    await change(browser, token)
    await strangers_failed(world, ren, 5, ago=timedelta(minutes=1))
    ren.password = NEW
    thief = world.a_browser()
    thief.http.cookies.set("focys_browser", copied)

    responses = [
        await (await world.at_second_factor(ren, one)).offer(ren.code(world.clock)) for one in (other, thief, browser)
    ]

    assert [response.json().get("code") for response in responses] == ["account_locked", "account_locked", None]


async def test_a_login_in_progress_ends(world: World, ren: Account):
    waiting = await world.at_second_factor(ren)
    browser, token = await world.signed_in(ren)

    await change(browser, token)

    assert (await waiting.offer(ren.code(world.clock))).json()["code"] == "login_expired"


async def test_a_recent_second_factor_is_needed(world: World, ren: Account):
    """PWD-08, FLOW-10: neither an older sign-in nor a bypass is enough; a step-up is."""
    browser, token = await world.signed_in(ren)
    await world.services.bypasses.begin(timedelta(hours=1), "lost phone", OPERATOR, address=ren.email)
    bypassed = world.a_browser()
    password_only = (await bypassed.sign_in_with_password(ren)).json()["access_token"]
    world.clock.advance(minutes=5)

    refused = [await change(browser, token), await change(bypassed, password_only)]

    assert [response.json()["code"] for response in refused] == ["step_up_required"] * 2
    assert await step_of(world.a_browser(), PASSWORD) != "invalid_credentials"
    headers = {"Authorization": f"Bearer {token}"}
    await browser.post("/auth/step-up", {"code": ren.code(world.clock)}, headers=headers)
    assert (await change(browser, token)).status_code == 204


async def test_without_a_session_nothing_is_compared(world: World, ren: Account):
    browser = await world.at_second_factor(ren)

    response = await change(browser, "")

    assert response.json()["code"] == "not_authenticated"
    assert [row for row in await rows_of(world, audit_events) if row.reason == "invalid_credentials"] == []


async def test_a_wrong_current_password_is_charged_like_that_of_a_sign_in(world: World, ren: Account):
    """PWD-08: five wrong ones, then even the right one has to wait."""
    browser, token = await world.signed_in(ren)

    wrong = [await change(browser, token, current=f"wrong-{number}") for number in range(5)]
    right = await change(browser, token)

    assert {response.json()["code"] for response in wrong} == {"invalid_credentials"}
    assert (right.status_code, right.json()["code"]) == (429, "throttled")
    assert await step_of(browser, PASSWORD) == "throttled"


@pytest.mark.parametrize("missing", ["current_password", "new_password"])
async def test_both_passwords_are_needed(world: World, ren: Account, missing: str):
    """PWD-08: the one that is missing is named."""
    browser, token = await world.signed_in(ren)
    body = {"current_password": PASSWORD, "new_password": NEW}
    del body[missing]

    response = await browser.post("/account/password", body, headers={"Authorization": f"Bearer {token}"})

    assert response.status_code == 422
    assert [problem["field"] for problem in response.json()["errors"]] == [missing]


WEAK = {
    "qv7!x2": "too short",
    "password123": "common or leaked",
    "alicestudent": "too close to your address",
    "abcdefghijk": "easy to guess",
    PASSWORD: "the password you have now",
    "x" * 300: "too long",
}


@pytest.mark.parametrize(("new", "reason"), WEAK.items(), ids=list(WEAK.values()))
async def test_a_weak_password_is_refused_with_its_reason(world: World, ren: Account, new: str, reason: str):
    """PWD-01, PWD-05: by the same rules as an operator's; the response does not repeat it."""
    browser, token = await world.signed_in(ren)

    response = await change(browser, token, new=new)

    [problem] = response.json()["errors"]
    assert (response.status_code, problem["field"]) == (422, "new_password")
    assert reason in problem["message"]
    assert new not in response.text
    assert await step_of(world.a_browser(), PASSWORD) == "totp"


async def test_a_weak_password_costs_no_try(world: World, ren: Account):
    browser, token = await world.signed_in(ren)

    refused = [await change(browser, token, new="abcdefghijk") for _ in range(6)]

    assert {response.status_code for response in refused} == {422}
    assert (await change(browser, token)).status_code == 204


async def test_the_owner_is_told_and_it_is_audited(world: World, ren: Account):
    """RCV-09: when, from where, and what to do; neither password is in it."""
    browser, token = await world.signed_in(ren)

    await change(browser, token)
    await world.deliver()

    subject, text = world.mail.emails[-1][1].subject, " ".join(world.mail.emails[-1][1].paragraphs)
    assert subject == CHANGED
    assert "from 192.0.2.1" in text
    assert "If that was not you" in text
    assert PASSWORD not in text
    assert NEW not in text
    [event] = [row for row in await rows_of(world, audit_events) if row.event == "password changed"]
    assert (event.outcome, event.user_id, event.detail) == ("ok", ren.id, None)


async def test_guarded_mode_lasts_until_a_complete_sign_in(world: World, ren: Account):
    """LOCK-07: the new password alone does not end it."""
    browser, token = await world.signed_in(ren)
    await strangers_failed(world, ren, 15, ago=timedelta(days=2))

    await change(browser, token)

    assert await count_of(world, second_factor_failures) == 15
    world.clock.advance(seconds=30)
    ren.password = NEW
    await world.signed_in(ren, browser)
    assert await count_of(world, second_factor_failures) == 0


async def test_the_password_is_enough_where_there_is_no_factor(make_world: MakeWorld):
    """PWD-08: the old one, however long ago the sign-in was."""
    async with make_world(mfa_policy="optional") as world:
        account, browser = await world.an_account(), world.a_browser()
        token = (await browser.sign_in_with_password(account)).json()["access_token"]
        world.clock.advance(minutes=20)

        wrong = await change(browser, token, current="wrong")
        right = await change(browser, token)

        assert wrong.json()["code"] == "invalid_credentials"
        assert right.status_code == 204
        assert (await browser.post("/auth/refresh")).status_code == 200


async def test_an_unknown_browser_stays_unknown(world: World, ren: Account):
    browser, token = await world.signed_in(ren)
    browser.http.cookies.delete("focys_browser")

    response = await change(browser, token)

    assert response.status_code == 204
    assert "Set-Cookie" not in response.headers
    assert REFRESH in browser.http.cookies


async def test_a_password_is_judged_while_it_is_typed(world: World, ren: Account):
    """PWD-01, PWD-05: by the same rules, without storing or asking anyone anything."""
    browser, token = await world.signed_in(ren)
    before = await rows_of(world, audit_events)

    judged = [(await judge(browser, token, new)).json()["weakness"] for new in ("qv7!x2", "password123", NEW)]

    assert "too short" in judged[0]
    assert "common or leaked" in judged[1]
    assert judged[2] is None
    assert await rows_of(world, audit_events) == before
    assert (await judge(browser, "", NEW)).json()["code"] == "not_authenticated"


async def test_judging_is_limited(world: World, ren: Account):
    """Estimating the strength takes time."""
    browser, token = await world.signed_in(ren)

    responses = [await judge(browser, token, "abcdefgh") for _ in range(61)]

    assert [response.status_code for response in responses] == [200] * 60 + [429]
    assert (await change(browser, token)).status_code == 204


async def test_a_stolen_session_uses_up_only_its_own_judgments(world: World, ren: Account):
    """LOCK-12."""
    thief, stolen = await world.signed_in(ren)
    owner, token = await world.signed_in(ren)

    judged = [await judge(thief, stolen, NEW) for _ in range(PASSWORDS_JUDGED.amount + 1)]

    assert [response.status_code for response in judged[-2:]] == [200, 429]
    assert (await judge(owner, token, NEW)).status_code == 200
