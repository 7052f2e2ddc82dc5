"""People see where they are signed in, and end it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from focys.features.audit import audit_events
from tests.support.rows import rows_of
from tests.support.service import Account, Browser, World

Signed = tuple[Browser, dict[str, str]]


@pytest.fixture
async def ren(world: World) -> Account:
    return await world.an_account(enrolled=True)


@pytest.fixture
async def here(world: World, ren: Account) -> Signed:
    return await signed_in(world, ren)


async def signed_in(world: World, account: Account) -> Signed:
    browser, token = await world.signed_in(account)
    return browser, {"Authorization": f"Bearer {token}"}


async def listed(signed: Signed) -> list[dict[str, Any]]:
    browser, headers = signed
    sessions: list[dict[str, Any]] = (await browser.get("/account/sessions", headers=headers)).json()["sessions"]
    return sessions


async def end(signed: Signed, session_id: str) -> httpx.Response:
    browser, headers = signed
    return await browser.http.delete(f"/account/sessions/{session_id}", headers=headers)


async def end_others(signed: Signed) -> httpx.Response:
    browser, headers = signed
    return await browser.post("/account/sessions/end-others", headers=headers)


async def is_live(signed: Signed) -> bool:
    browser, headers = signed
    return (await browser.get("/auth/me", headers=headers)).status_code == 200


async def test_each_browser_is_listed_with_what_it_says_about_itself(world: World, ren: Account):
    """SESS-12."""
    laptop = world.a_browser("198.51.100.7")
    laptop.http.headers["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0; rv:143.0) Gecko/20100101 Firefox/143.0"
    await world.signed_in(ren, laptop)
    here = await signed_in(world, ren)

    mine, other, _enrollment = await listed(here)

    assert (mine["is_current"], other["is_current"]) == (True, False)
    assert (other["device"], other["address"]) == ("Firefox on Windows", "198.51.100.7")
    assert other["amr"] == ["pwd", "otp", "mfa"]
    assert other["created_at"] == other["last_used_at"] < mine["created_at"]


async def test_an_ended_session_stops_at_once_and_is_gone_from_the_list(world: World, ren: Account, here: Signed):
    """SESS-12."""
    other = await signed_in(world, ren)
    [current] = [session["id"] for session in await listed(other) if session["is_current"]]

    response = await end(here, current)

    assert response.status_code == 204
    assert not await is_live(other)
    assert (await other[0].post("/auth/refresh")).json()["code"] == "session_ended"
    assert current not in [session["id"] for session in await listed(here)]
    assert (await end(here, current)).status_code == 404
    assert [row.event for row in await rows_of(world, audit_events)].count("session ended") == 1


async def test_nobody_sees_or_ends_the_sessions_of_anyone_else(world: World, here: Signed):
    stranger = await signed_in(world, await world.an_account("other@student.com", enrolled=True))
    own = (await listed(stranger))[0]

    refused = [await end(here, own["id"]), await end(here, str(uuid4()))]

    assert [(response.status_code, response.json()["code"]) for response in refused] == [(404, "not_found")] * 2
    assert await is_live(stranger)
    assert own["id"] not in {session["id"] for session in await listed(here)}


async def test_ending_all_others_keeps_this_one_and_other_accounts(world: World, ren: Account, here: Signed):
    """SESS-12."""
    others = [await signed_in(world, ren) for _ in range(2)]
    stranger = await signed_in(world, await world.an_account("other@student.com", enrolled=True))

    response = await end_others(here)

    assert response.status_code == 204
    assert [await is_live(signed) for signed in (here, *others, stranger)] == [True, False, False, True]


async def test_ending_sessions_needs_a_recent_verification(world: World, ren: Account, here: Signed):
    """FLOW-10: anyone who has stolen a session cannot end the owner's."""
    other = await signed_in(world, ren)
    world.clock.advance(minutes=6)

    refused = [await end_others(here), *[await end(here, session["id"]) for session in await listed(here)]]

    assert {(response.status_code, response.json()["code"]) for response in refused} == {(403, "step_up_required")}
    assert await is_live(here)
    assert await is_live(other)
    await here[0].post("/auth/step-up", {"code": ren.code(world.clock)}, headers=here[1])
    assert (await end_others(here)).status_code == 204


@pytest.mark.parametrize("path", ["/account/sessions", "/account/activity"])
async def test_without_a_session_nothing_is_shown(world: World, path: str):
    assert (await world.a_browser().get(path)).json()["code"] == "not_authenticated"


async def test_ending_all_others_takes_no_body(world: World, here: Signed):
    browser, headers = here

    response = await browser.post("/account/sessions/end-others", {"user_id": str(uuid4())}, headers=headers)

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
