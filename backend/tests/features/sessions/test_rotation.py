"""A refresh token is replaced once a minute; reuse of an old one means theft."""

import asyncio

import pytest

from focys.features.audit import audit_events
from focys.features.rate_limits import REFRESHES, account_limits, throttles
from focys.features.sessions import sessions
from tests.support.acts import state_of
from tests.support.forging import parts_of
from tests.support.jar import REFRESH, put
from tests.support.refreshing import a_session, present
from tests.support.rows import rows_of
from tests.support.service import World
from tests.support.statements import statements_of


async def successor_of(world: World, token: str) -> str:
    """The token that replaces one, a minute later."""
    world.clock.advance(minutes=1)
    response = await present(world, token)
    assert response.status_code == 200, response.text
    assert response.cookies[REFRESH] != token
    return response.cookies[REFRESH]


async def alarms(world: World) -> list[tuple[str, str, str | None]]:
    """The audit rows about tokens used twice: event, outcome, reason."""
    told = [row for row in await rows_of(world, audit_events) if row.detail == "refresh token used twice"]
    return [(row.event, row.outcome, row.reason) for row in told]


async def test_a_minute_old_token_is_rotated(world: World):
    account, first, access = await a_session(world)
    world.clock.advance(seconds=30)

    response = await present(world, first)

    body = response.json()
    assert response.status_code == 200
    assert set(body) == {"access_token", "token_type", "expires_in", "user"}
    assert body["user"]["email"] == account.email
    assert response.cookies[REFRESH] not in {first, body["access_token"]}
    before, after = parts_of(access)[1], parts_of(body["access_token"])[1]
    assert before["jti"] != after["jti"]
    assert all(before[name] == after[name] for name in ("sub", "sid", "amr", "auth_time"))


@pytest.mark.parametrize("rotations", [0, 1])
async def test_a_fresh_token_is_kept_and_nothing_is_written(world: World, rotations: int):
    """SESS-05: since the sign-in, and since it was replaced. Loading pages costs a session nothing."""
    account, token, access = await a_session(world)
    for _ in range(rotations):
        token = await successor_of(world, token)
    # The sign-in itself is half a minute ago.
    world.clock.advance(seconds=59 if rotations else 29)
    before = await state_of(world), await rows_of(world, throttles)

    with statements_of(world.services.database) as asked:
        response = await present(world, token)

    assert response.cookies[REFRESH] == token
    assert response.json()["user"]["email"] == account.email
    assert parts_of(response.json()["access_token"])[1]["jti"] != parts_of(access)[1]["jti"]
    assert (await world.a_browser().me(response.json()["access_token"])).status_code == 200
    assert [statement.split()[0] for statement in asked][:1] == ["SELECT"]
    assert not any(word in " ".join(asked).upper() for word in ("INSERT", "UPDATE", "DELETE"))
    assert (await state_of(world), await rows_of(world, throttles)) == before
    world.clock.advance(seconds=1)
    assert (await present(world, token)).cookies[REFRESH] != token


async def test_six_tabs_can_load_a_thousand_pages_an_hour(world: World):
    """SESS-05, SESS-06, LOCK-12: six at once share a cookie jar, and one in each minute replaces the token for all."""
    account = await world.an_account(enrolled=True)
    browser, _ = await world.signed_in(account)
    began, loads = world.clock.now(), 0

    while (world.clock.now() - began).total_seconds() < 3600:
        tabs = await asyncio.gather(*(browser.post("/auth/refresh") for _ in range(6)))
        assert {tab.status_code for tab in tabs} == {200}
        assert len({tab.cookies[REFRESH] for tab in tabs}) == 1
        assert (await browser.me(tabs[-1].json()["access_token"])).status_code == 200
        loads += len(tabs)
        world.clock.advance(seconds=21.5)

    assert loads >= 1000
    generations = [row.refresh_generation for row in await rows_of(world, sessions)]
    counted = [row.hits for row in await rows_of(world, throttles) if REFRESHES.namespace in row.key]
    assert 50 <= max(generations) <= 60
    assert counted == [max(generations)]
    assert await alarms(world) == []


@pytest.mark.parametrize("who_is_first", ["thief", "owner"])
async def test_reuse_of_a_stolen_token_ends_the_session(world: World, who_is_first: str):
    """SESS-05: the first one gets the successor, the later one ends the session for both."""
    _, token, _ = await a_session(world)
    owner, thief = put(world.a_browser(), token, REFRESH), put(world.a_browser("203.0.113.4"), token, REFRESH)
    first, later = (thief, owner) if who_is_first == "thief" else (owner, thief)
    # While it is fresh it works for both.
    assert {(await browser.post("/auth/refresh")).status_code for browser in (first, later)} == {200}
    world.clock.advance(minutes=1)

    replaced = await first.post("/auth/refresh")
    world.clock.advance(seconds=11)
    caught = await later.post("/auth/refresh")

    assert replaced.status_code == 200
    assert (caught.status_code, caught.json()["code"]) == (401, "session_ended")
    assert (await first.post("/auth/refresh")).json()["code"] == "session_ended"
    assert (await first.me(replaced.json()["access_token"])).status_code == 401
    assert await alarms(world) == [("session refresh", "refused", "session_ended")]


async def test_the_token_just_replaced_works_for_ten_seconds(world: World):
    """SESS-06: two tabs, or a response lost in transit."""
    _, first, _ = await a_session(world)
    second = await successor_of(world, first)

    world.clock.advance(seconds=10)
    again = await present(world, first)

    assert again.status_code == 200
    assert again.cookies[REFRESH] == second
    assert (await present(world, second)).status_code == 200


async def test_an_older_token_ends_the_session_even_within_ten_seconds(world: World):
    """SESS-05: only the token just replaced has the ten seconds."""
    _, first, _ = await a_session(world)
    third = await successor_of(world, await successor_of(world, first))

    assert (await present(world, first)).json()["code"] == "session_ended"
    assert (await present(world, third)).json()["code"] == "session_ended"


async def test_rotating_too_often_is_throttled(world: World):
    """LOCK-12: it affects its own session only, which continues afterward. Pages cause 60 an hour at most."""
    _, neighbor, _ = await a_session(world, email="bob@student.com")
    _, token, access = await a_session(world)
    await used_up(world, access)
    fresh = await present(world, token)
    world.clock.advance(minutes=1)

    refused = await present(world, token)

    assert REFRESHES.amount == 120
    assert fresh.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 0 < refused.json()["retry_after"] <= 3600
    assert refused.headers["Retry-After"] == str(refused.json()["retry_after"])
    assert REFRESH not in refused.cookies
    assert (await world.a_browser().me(fresh.json()["access_token"])).status_code == 200
    assert (await present(world, neighbor)).status_code == 200
    world.clock.advance(seconds=refused.json()["retry_after"] + 1)
    assert (await present(world, token)).status_code == 200


async def test_the_rotation_limit_hides_no_token_reuse(world: World):
    """LOCK-12, SESS-05: the limit hides no theft."""
    _, first, access = await a_session(world)
    await successor_of(world, first)
    await used_up(world, access)
    world.clock.advance(seconds=11)

    reuse = await present(world, first)

    assert (reuse.status_code, reuse.json()["code"]) == (401, "session_ended")


async def used_up(world: World, access: str) -> None:
    """Count as many rotations of a session as an hour may have."""
    limits = account_limits(world.services.database, world.clock)
    for _ in range(REFRESHES.amount):
        await limits.hit(REFRESHES, parts_of(access)[1]["sid"])
