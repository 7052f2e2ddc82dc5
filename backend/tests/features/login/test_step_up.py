"""Step-up: someone who is signed in confirms that it is them; charged, locked and recorded like a sign-in."""

from asyncio import gather
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from focys.features.audit import audit_events
from focys.features.lockout import second_factor_failures
from focys.features.login import pending_logins
from focys.features.rate_limits import STEP_UPS
from focys.features.sessions import RecentlyVerified, sessions
from tests.conftest import MakeWorld
from tests.support.attempts import WRONG_BACKUP_CODE, pair, strangers_failed, wrong_code
from tests.support.rows import count_of, rows_of
from tests.support.service import PASSWORD, Account, Browser, World

REFRESH = "focys_refresh"


@pytest.fixture
async def ren(world: World) -> Account:
    return await world.an_account(enrolled=True)


@pytest.fixture
async def stale(world: World, ren: Account) -> tuple[Browser, dict[str, str]]:
    """A browser that signed in a while ago, and its authorization."""
    _route_for_the_recently_verified(world.app)
    return await _stale(world, ren)


async def _stale(world: World, account: Account) -> tuple[Browser, dict[str, str]]:
    browser, token = await world.signed_in(account)
    world.clock.advance(minutes=6)
    return browser, {"Authorization": f"Bearer {token}"}


def _route_for_the_recently_verified(app: FastAPI) -> None:
    @app.get("/recent")
    async def recent(session: RecentlyVerified) -> str:
        return session.email


async def step_up(browser: Browser, headers: dict[str, str], body: Any, kind: str = "") -> httpx.Response:
    return await browser.post(f"/auth/step-up{kind}", body, headers=headers)


async def is_let_in(browser: Browser, headers: dict[str, str]) -> bool:
    response = await browser.get("/recent", headers=headers)
    assert response.status_code == 200 or response.json()["code"] == "step_up_required"
    return response.status_code == 200


async def test_a_code_opens_what_needs_a_recent_verification_for_five_minutes(world: World, ren: Account, stale: Any):
    """FLOW-09, FLOW-10: the refresh token is new, and refreshing it does not extend the five minutes."""
    browser, headers = stale
    assert not await is_let_in(browser, headers)
    before = browser.http.cookies[REFRESH]

    response = await step_up(browser, headers, {"code": ren.code(world.clock)})

    assert response.status_code == 200, response.text
    assert browser.http.cookies[REFRESH] != before
    assert await is_let_in(browser, headers)
    until = response.json()["verified_until"]
    me = (await browser.get("/auth/me", headers=headers)).json()
    assert me["verified_until"] == until
    world.clock.advance(minutes=4, seconds=59)
    renewed = (await browser.post("/auth/refresh")).json()["access_token"]
    assert await is_let_in(browser, {"Authorization": f"Bearer {renewed}"})
    world.clock.advance(seconds=1)
    assert not await is_let_in(browser, {"Authorization": f"Bearer {renewed}"})
    assert (await browser.get("/auth/me", headers=headers)).json()["verified_until"] is None


async def test_only_the_session_that_stepped_up_is_verified(world: World, ren: Account, stale: Any):
    browser, headers = stale
    other, others = await _stale(world, ren)

    await step_up(browser, headers, {"code": ren.code(world.clock)})

    assert await is_let_in(browser, headers)
    assert not await is_let_in(other, others)


async def test_how_and_when_is_recorded(world: World, ren: Account, stale: Any):
    browser, headers = stale

    await step_up(browser, headers, {"code": ren.code(world.clock)})

    marked = [(row.stepped_up_by, row.stepped_up_at) for row in await rows_of(world, sessions) if row.stepped_up_at]
    assert marked == [("otp", world.clock.now())]
    [event] = [row for row in await rows_of(world, audit_events) if row.event == "step-up"]
    assert (event.outcome, event.user_id, event.detail) == ("ok", ren.id, "otp")


async def test_a_code_works_once_for_step_ups_and_sign_ins_together(world: World, ren: Account, stale: Any):
    browser, headers = stale
    code = ren.code(world.clock)
    stranger = await world.at_second_factor(ren)

    responses = [await step_up(browser, headers, {"code": code}), await stranger.offer(code)]
    again = await step_up(browser, headers, {"code": code})

    assert responses[0].status_code == 200
    assert [responses[1].json()["code"], again.json()["code"]] == ["code_already_used"] * 2


async def test_failures_count_together_with_those_of_sign_ins(world: World, ren: Account, stale: Any):
    """LOCK-01: three here and two there lock this browser for both."""
    browser, headers = stale
    wrong = wrong_code(ren, world)
    here = [await step_up(browser, headers, {"code": wrong}) for _ in range(3)]
    await world.at_second_factor(ren, browser)
    there = [await browser.offer(wrong) for _ in range(2)]

    refused = await step_up(browser, headers, {"code": ren.code(world.clock)})

    assert [response.json().get("tries_left") for response in here + there] == [4, 3, 2, 1, None]
    assert (refused.status_code, refused.json()["code"]) == (429, "account_locked")
    assert await count_of(world, second_factor_failures) == 5


async def test_guarded_mode_takes_two_codes_in_a_row(world: World, ren: Account, stale: Any):
    browser, headers = stale
    browser.http.cookies.delete("focys_browser")
    await strangers_failed(world, ren, 15, ago=timedelta(days=2))

    single = await step_up(browser, headers, {"code": ren.code(world.clock)})
    both = await step_up(browser, headers, {"codes": pair(ren, world)["codes"]})

    assert (single.status_code, single.json()["code"]) == (409, "guarded")
    assert both.status_code == 200


async def test_a_backup_code_needs_the_password_too(world: World, ren: Account, stale: Any):
    browser, headers = stale
    right = {"code": ren.backup_codes[0], "password": PASSWORD}

    refused = [
        await step_up(browser, headers, body, "/backup-code")
        for body in ({"code": right["code"]}, {**right, "password": "wrong"}, {**right, "code": WRONG_BACKUP_CODE})
    ]

    assert [response.json()["code"] for response in refused] == [
        "invalid_request",
        "invalid_credentials",
        "invalid_code",
    ]
    assert not await is_let_in(browser, headers)
    assert (await step_up(browser, headers, right, "/backup-code")).status_code == 200
    assert await is_let_in(browser, headers)


async def test_the_password_alone_is_not_enough_for_an_enrolled_account(world: World, stale: Any):
    browser, headers = stale

    response = await step_up(browser, headers, {"password": PASSWORD}, "/password")

    assert (response.status_code, response.json()["code"]) == (403, "step_up_required")
    assert not await is_let_in(browser, headers)


async def test_the_password_is_enough_where_there_is_no_factor(make_world: MakeWorld):
    async with make_world(mfa_policy="optional") as world:
        _route_for_the_recently_verified(world.app)
        account, browser = await world.an_account(), world.a_browser()
        token = (await browser.sign_in_with_password(account)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        world.clock.advance(minutes=6)
        assert not await is_let_in(browser, headers)

        wrong = await step_up(browser, headers, {"password": "wrong"}, "/password")
        right = await step_up(browser, headers, {"password": PASSWORD}, "/password")

        assert wrong.json()["code"] == "invalid_credentials"
        assert right.status_code == 200
        assert await is_let_in(browser, headers)


async def test_without_a_session_nothing_is_compared(world: World, ren: Account):
    browser = await world.at_second_factor(ren)

    response = await step_up(browser, {}, {"code": ren.code(world.clock)})

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert await count_of(world, second_factor_failures) == 0
    assert (await browser.offer(ren.code(world.clock))).status_code == 200


async def test_a_login_in_progress_survives_a_step_up(world: World, ren: Account, stale: Any):
    """FLOW-02: a step-up uses neither the login cookie nor the login behind it."""
    browser, headers = stale
    await world.at_second_factor(ren, browser)
    before = browser.http.cookies["focys_login"]

    response = await step_up(browser, headers, {"code": ren.code(world.clock)})

    assert response.status_code == 200
    assert browser.http.cookies["focys_login"] == before
    assert (await browser.get("/auth/login")).json()["step"] == "totp"


async def test_no_step_up_leaves_a_login_that_can_be_completed(world: World, ren: Account, stale: Any):
    browser, headers = stale

    for code in (wrong_code(ren, world), ren.code(world.clock)):
        await step_up(browser, headers, {"code": code})

    assert [row for row in await rows_of(world, pending_logins) if row.consumed_at is None] == []


async def test_refreshes_at_the_same_time_keep_the_session(world: World, ren: Account, stale: Any):
    """SESS-05: neither side's refresh token counts as stolen."""
    browser, headers = stale

    response, *refreshed = await gather(
        step_up(browser, headers, {"code": ren.code(world.clock)}), *(browser.post("/auth/refresh") for _ in range(3))
    )

    assert response.status_code == 200
    assert {one.status_code for one in refreshed} == {200}
    world.clock.advance(minutes=2)
    assert (await browser.post("/auth/refresh")).status_code == 200


async def test_an_ended_session_is_not_marked(world: World, ren: Account, stale: Any):
    browser, headers = stale
    async with world.services.database.engine.begin() as connection:
        await connection.execute(update(sessions).values(revoked_at=world.clock.now()))

    response = await step_up(browser, headers, {"code": ren.code(world.clock)})

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


async def test_step_ups_are_limited_per_session(world: World, ren: Account, stale: Any):
    browser, headers = stale
    used = ren.code(world.clock)
    responses = [await step_up(browser, headers, {"code": used}) for _ in range(STEP_UPS.amount + 1)]

    assert responses[-1].json()["code"] == "throttled"
    world.clock.advance(seconds=30)
    other, others = await _stale(world, ren)
    assert (await step_up(other, others, {"code": ren.code(world.clock)})).status_code == 200
