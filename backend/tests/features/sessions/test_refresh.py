"""A refresh token works once, its session has an end, and what changed meanwhile counts."""

import asyncio
from typing import Any

import httpx
import pytest

from focys.features.audit import EventName, audit_events
from focys.features.sessions import sessions
from focys.infra.tokens import new_seed
from tests.conftest import SECRET_KEY
from tests.support.forging import parts_of
from tests.support.rows import execute, rows_of
from tests.support.service import OPERATOR, Account, World

COOKIE = "focys_refresh"


async def present(world: World, token: str) -> httpx.Response:
    """Use a refresh token from a browser that holds nothing else."""
    cookie = f"{COOKIE}={token}".encode("latin-1")
    return await world.a_browser().post("/auth/refresh", headers=[(b"Cookie", cookie)])


async def a_session(world: World, **account: Any) -> tuple[Account, str, str]:
    """An account with one signed-in browser, its refresh and its access token."""
    person = await world.an_account(enrolled=True, **account)
    browser, access = await world.signed_in(person)
    return person, browser.http.cookies[COOKIE], access


async def test_each_use_gives_a_new_token_and_a_new_access_token(world: World):
    """SESS-05."""
    account, first, access = await a_session(world)

    answer = await present(world, first)

    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"access_token", "token_type", "expires_in", "user"}
    assert body["user"]["email"] == account.email
    assert answer.cookies[COOKIE] not in {first, body["access_token"]}
    before, after = parts_of(access)[1], parts_of(body["access_token"])[1]
    assert before["jti"] != after["jti"]
    assert all(before[name] == after[name] for name in ("sub", "sid", "amr", "auth_time"))


async def test_the_token_just_replaced_gives_the_same_successor_for_ten_seconds(world: World):
    """SESS-06: two tabs, or an answer lost on the way."""
    _, first, _ = await a_session(world)
    second = (await present(world, first)).cookies[COOKIE]

    world.clock.advance(seconds=10)
    again = await present(world, first)

    assert again.status_code == 200
    assert again.cookies[COOKIE] == second
    assert (await present(world, second)).status_code == 200


async def test_the_token_just_replaced_ends_the_session_after_ten_seconds(world: World):
    """SESS-05."""
    account, first, access = await a_session(world)
    second = (await present(world, first)).cookies[COOKIE]

    world.clock.advance(seconds=11)
    reuse = await present(world, first)

    assert (reuse.status_code, reuse.json()["code"]) == (401, "session_ended")
    assert (await present(world, second)).json()["code"] == "session_ended"
    assert (await world.a_browser().me(access)).status_code == 401
    told = [row for row in await rows_of(world, audit_events) if row.reason == "session_ended"]
    assert [(row.event, row.outcome, row.user_id, row.detail) for row in told] == [
        (EventName.SESSION_REFRESH, "refused", account.id, "refresh token used twice")
    ]


async def test_an_older_token_ends_the_session_even_within_ten_seconds(world: World):
    """SESS-05: only the token just replaced has the ten seconds."""
    _, first, _ = await a_session(world)
    second = (await present(world, first)).cookies[COOKIE]
    third = (await present(world, second)).cookies[COOKIE]

    assert (await present(world, first)).json()["code"] == "session_ended"
    assert (await present(world, third)).json()["code"] == "session_ended"


async def test_twenty_uses_at_once_give_one_successor(world: World):
    """SESS-06."""
    _, first, _ = await a_session(world)

    answers = await asyncio.gather(*(present(world, first) for _ in range(20)))

    good = [answer for answer in answers if answer.status_code == 200]
    assert {answer.cookies[COOKIE] for answer in good} == {good[0].cookies[COOKIE]}
    assert {answer.json()["code"] for answer in answers if answer.status_code != 200} <= {"throttled"}
    [row] = [row for row in await rows_of(world, sessions) if row.refresh_generation]
    assert row.refresh_generation == 1
    assert (await present(world, good[0].cookies[COOKIE])).status_code == 200


async def test_a_refused_refresh_takes_the_cookie_back(world: World):
    answer = await present(world, "A" * 70)

    assert answer.json()["code"] == "session_ended"
    assert "Max-Age=0" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 70, "A" * 5000, "%00", '"\\377"'])
async def test_what_is_no_refresh_token_is_refused(world: World, token: str):
    answer = await present(world, token)

    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


async def test_a_made_up_token_for_a_real_session_neither_works_nor_ends_it(world: World):
    """SESS-05: only a genuine old token is proof of theft; knowing a session's id must not sign its owner out."""
    _, genuine, access = await a_session(world)
    [row] = [row for row in await rows_of(world, sessions) if str(row.id) == parts_of(access)[1]["sid"]]

    forged = world.services.sessions._tokens.refresh(row.id, row.refresh_generation, new_seed())

    assert (await present(world, forged)).json()["code"] == "session_ended"
    assert (await present(world, genuine)).status_code == 200


async def test_the_database_holds_nothing_that_a_browser_could_present(world: World):
    """SESS-05: a stolen copy of the table is of no use without the server's key."""
    _, token, access = await a_session(world)

    stored = " ".join(str(row) for row in await rows_of(world, sessions))

    assert token not in stored
    assert access not in stored
    raw = world.services.sessions._tokens.read_refresh(token).mac
    assert all(row.refresh_seed != raw for row in await rows_of(world, sessions))


async def test_hourly_use_does_not_carry_a_session_past_its_seventh_day(world: World):
    """SESS-07."""
    _, token, _ = await a_session(world)
    began = world.clock.now()
    last: httpx.Response | None = None

    for _ in range(24 * 7):
        world.clock.advance(hours=1)
        last = await present(world, token)
        if last.status_code != 200:
            break
        token = last.cookies[COOKIE]

    assert last is not None
    assert last.json()["code"] == "session_ended"
    assert (world.clock.now() - began).total_seconds() == 7 * 24 * 3600


async def test_the_cookie_and_the_access_token_end_with_the_session(world: World):
    """SESS-07: neither outlives the seventh day."""
    _, token, _ = await a_session(world)
    for hours in [23] * 7:
        world.clock.advance(hours=hours)
        token = (await present(world, token)).cookies[COOKIE]

    world.clock.advance(hours=6, minutes=50)
    answer = await present(world, token)

    left = 7 * 86400 - (23 * 7 * 3600 + 6 * 3600 + 50 * 60) - 30
    assert answer.json()["expires_in"] == left
    assert f"Max-Age={left}" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("role", "idle_minutes", "life_hours"), [("user", 24 * 60, 7 * 24), ("admin", 30, 12)], ids=["user", "admin"]
)
async def test_an_idle_session_ends(world: World, role: str, idle_minutes: int, life_hours: int):
    """SESS-07."""
    _, token, _ = await a_session(world, role=role)

    world.clock.advance(minutes=idle_minutes, seconds=-30)
    in_time = await present(world, token)
    world.clock.advance(minutes=idle_minutes, seconds=1)
    late = await present(world, in_time.cookies[COOKIE])

    assert in_time.status_code == 200
    assert late.json()["code"] == "session_ended"
    [row] = [row for row in await rows_of(world, sessions) if row.refresh_generation]
    assert (row.expires_at - row.created_at).total_seconds() == life_hours * 3600


async def test_an_administrators_session_ends_after_twelve_hours_of_work(world: World):
    """SESS-07."""
    _, token, _ = await a_session(world, role="admin")
    began = world.clock.now()

    while (answer := await present(world, token)).status_code == 200:
        token = answer.cookies[COOKIE]
        world.clock.advance(minutes=20)

    assert 11.5 * 3600 < (world.clock.now() - began).total_seconds() <= 12 * 3600 + 1200


async def test_an_administrators_access_token_ends_before_the_idle_limit(world: World):
    """SESS-07: else a page that only reads would be signed out while in use."""
    account = await world.an_account(role="admin", enrolled=True)
    browser = await world.at_second_factor(account)

    done = (await browser.offer(account.code(world.clock))).json()

    assert done["expires_in"] == 900


async def test_someone_made_administrator_falls_under_the_shorter_idle_limit(world: World):
    """SESS-07, SESS-08: the role is read again."""
    account, token, _ = await a_session(world)
    await execute(world, f"UPDATE users SET role = 'admin' WHERE email = '{account.email}'")

    world.clock.advance(minutes=31)

    assert (await present(world, token)).json()["code"] == "session_ended"


async def test_a_session_opened_on_a_password_alone_ends_when_the_policy_demands_more(make_world):
    """SESS-08: a weak session stays weak, and is worth nothing once a second factor is required."""
    async with make_world(mfa_policy="optional") as lenient:
        account = await lenient.an_account(password="seven-lanterns-over-quiet-harbours")
        browser = lenient.a_browser()
        done = await browser.sign_in_with_password(account)
        token = browser.http.cookies[COOKIE]
        assert done.json()["step"] == "done"
        refreshed = await present(lenient, token)
        assert parts_of(refreshed.json()["access_token"])[1]["amr"] == ["pwd"]

        async with make_world(mfa_policy="required", clock=lenient.clock) as strict:
            me = await strict.a_browser().me(refreshed.json()["access_token"])
            refresh = await present(strict, refreshed.cookies[COOKIE])

        assert me.status_code == 401
        assert refresh.json()["code"] == "session_ended"
        assert (await lenient.a_browser().me(done.json()["access_token"])).status_code == 401


async def test_refresh_shows_the_account_as_it_is_now(world: World):
    """SESS-08: state is read again, not copied from the old token."""
    account, token, _ = await a_session(world)
    await execute(world, f"UPDATE users SET display_name = 'Renamed' WHERE email = '{account.email}'")

    assert (await present(world, token)).json()["user"]["display_name"] == "Renamed"


async def test_a_key_that_moved_to_the_fallbacks_still_reads_old_tokens(make_world):
    """CRY-03: rotation signs nobody out; new tokens are made with the new key."""
    new_key = "another-key-that-is-long-enough-for-everyone-0987654321"
    async with make_world() as before:
        _, token, access = await a_session(before)
        async with make_world(secret_key=new_key, secret_key_fallbacks=[SECRET_KEY], clock=before.clock) as during:
            me = await during.a_browser().me(access)
            renewed = await present(during, token)
        # A service whose key opens no stored secret does not even start.
        await execute(before, "UPDATE users SET totp_secret = NULL")
        async with make_world(secret_key=new_key, clock=before.clock) as after:
            old_access = await after.a_browser().me(access)
            new_access = await after.a_browser().me(renewed.json()["access_token"])
            newest = await present(after, renewed.cookies[COOKIE])

    assert (me.status_code, renewed.status_code) == (200, 200)
    assert (old_access.status_code, new_access.status_code, newest.status_code) == (401, 200, 200)


async def test_disabling_the_account_refuses_the_refresh_without_a_word_about_why(world: World):
    """SESS-10."""
    account, token, _ = await a_session(world)
    await world.services.accounts.set_disabled(account.email, OPERATOR, disabled=True)

    answer = await present(world, token)

    assert answer.json()["code"] == "session_ended"
    assert answer.json()["detail"] == (await present(world, "A" * 70)).json()["detail"]


async def test_a_session_is_refreshed_sixty_times_an_hour(world: World):
    """LOCK-12: a page that loads in circles wears out its own session only, and only for a while."""
    _, token, access = await a_session(world)
    _, neighbour, _ = await a_session(world, email="bob@student.com")
    for _ in range(60):
        world.clock.advance(seconds=11)
        answer = await present(world, token)
        assert answer.status_code == 200
        token = answer.cookies[COOKIE]

    refused = await present(world, token)

    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 0 < refused.json()["retry_after"] <= 3600
    assert refused.headers["Retry-After"] == str(refused.json()["retry_after"])
    assert COOKIE not in refused.cookies
    assert (await world.a_browser().me(access)).status_code == 200
    assert (await present(world, neighbour)).status_code == 200
    world.clock.advance(seconds=refused.json()["retry_after"] + 1)
    assert (await present(world, token)).status_code == 200


async def test_the_same_successor_counts_toward_the_limit_too(world: World):
    """LOCK-12: within the ten seconds a replaced token could otherwise be presented for ever."""
    _, first, _ = await a_session(world)

    answers = [(await present(world, first)).status_code for _ in range(61)]

    assert answers == [200] * 60 + [429]


async def test_a_token_used_twice_ends_the_session_however_often_it_was_refreshed(world: World):
    """LOCK-12, SESS-05: the limit hides no theft."""
    _, first, _ = await a_session(world)
    second = (await present(world, first)).cookies[COOKIE]
    for _ in range(60):
        await present(world, second)
    world.clock.advance(seconds=11)

    reuse = await present(world, first)

    assert (reuse.status_code, reuse.json()["code"]) == (401, "session_ended")
