"""A refresh token is good for its own session, the session has an end, and what changed meanwhile counts."""

import httpx
import pytest

from focys.features.audit import audit_events
from focys.features.sessions import sessions
from focys.infra.crypto.tokens import new_seed
from tests.conftest import SECRET_KEY
from tests.support.forging import parts_of
from tests.support.jar import REFRESH
from tests.support.keyed import tokens_of
from tests.support.refreshing import a_session, present
from tests.support.rows import count_of, execute, rows_of
from tests.support.service import OPERATOR, World


async def test_refresh_without_a_session_is_204(world: World):
    """An error would show up in red in the console of every page that a signed-out caller opens."""
    response = await world.a_browser().post("/auth/refresh")

    assert (response.status_code, response.content) == (204, b"")
    assert "Set-Cookie" not in response.headers
    assert await count_of(world, audit_events) == 0


@pytest.mark.parametrize("token", ["", "A" * 70])
async def test_a_refused_refresh_clears_the_cookie(world: World, token: str):
    response = await present(world, token)

    assert response.json()["code"] == "session_ended"
    assert "Max-Age=0" in response.headers["Set-Cookie"]


@pytest.mark.parametrize("end", ["expired", "ended"])
async def test_an_ended_sessions_cookie_is_refused_and_cleared(world: World, end: str):
    account = await world.an_account(enrolled=True)
    browser, _ = await world.signed_in(account)
    token = browser.http.cookies[REFRESH]
    if end == "expired":
        world.clock.advance(days=7)
    else:
        await browser.post("/auth/logout")

    response = await present(world, token)

    assert (response.status_code, response.json()["code"]) == (401, "session_ended")
    assert "Max-Age=0" in response.headers["Set-Cookie"]


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 70, "A" * 5000, "%00", '"\\377"'])
async def test_a_malformed_refresh_token_is_refused(world: World, token: str):
    response = await present(world, token)

    assert (response.status_code, response.json()["code"]) == (401, "session_ended")


async def test_a_forged_refresh_token_neither_works_nor_ends_the_session(world: World):
    """SESS-05: only a genuine old token is proof of theft; knowing a session's id must not sign its owner out."""
    _, genuine, access = await a_session(world)
    [row] = [row for row in await rows_of(world, sessions) if str(row.id) == parts_of(access)[1]["sid"]]

    forged = tokens_of(world.services).refresh(row.id, row.refresh_generation, new_seed())

    assert (await present(world, forged)).json()["code"] == "session_ended"
    assert (await present(world, genuine)).status_code == 200


async def test_the_database_contains_no_usable_token(world: World):
    """SESS-05: a stolen copy of the table is of no use without the server's key."""
    _, token, access = await a_session(world)

    stored = " ".join(str(row) for row in await rows_of(world, sessions))

    assert token not in stored
    assert access not in stored
    raw = tokens_of(world.services).read_refresh(token).mac
    assert all(row.refresh_seed != raw for row in await rows_of(world, sessions))


async def test_a_session_ends_after_seven_days_of_use(world: World):
    _, token, _ = await a_session(world)
    began = world.clock.now()
    last: httpx.Response | None = None

    for _ in range(24 * 7):
        world.clock.advance(hours=1)
        last = await present(world, token)
        if last.status_code != 200:
            break
        token = last.cookies[REFRESH]

    assert last is not None
    assert last.json()["code"] == "session_ended"
    assert (world.clock.now() - began).total_seconds() == 7 * 24 * 3600


async def test_cookie_and_access_token_end_with_the_session(world: World):
    """SESS-07: neither outlives the seventh day."""
    _, token, _ = await a_session(world)
    for hours in [23] * 7:
        world.clock.advance(hours=hours)
        token = (await present(world, token)).cookies[REFRESH]

    world.clock.advance(hours=6, minutes=50)
    response = await present(world, token)

    left = 7 * 86400 - (23 * 7 * 3600 + 6 * 3600 + 50 * 60) - 30
    assert response.json()["expires_in"] == left
    assert f"Max-Age={left}" in response.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("role", "idle_minutes", "life_hours"), [("user", 24 * 60, 7 * 24), ("admin", 30, 12)], ids=["user", "admin"]
)
async def test_an_idle_session_ends(world: World, role: str, idle_minutes: int, life_hours: int):
    _, token, _ = await a_session(world, role=role)

    world.clock.advance(minutes=idle_minutes, seconds=-30)
    in_time = await present(world, token)
    world.clock.advance(minutes=idle_minutes, seconds=1)
    late = await present(world, in_time.cookies[REFRESH])

    assert in_time.status_code == 200
    assert late.json()["code"] == "session_ended"
    [row] = [row for row in await rows_of(world, sessions) if row.refresh_generation]
    assert (row.expires_at - row.created_at).total_seconds() == life_hours * 3600


async def test_an_administrators_session_ends_after_twelve_hours_of_work(world: World):
    _, token, _ = await a_session(world, role="admin")
    began = world.clock.now()

    while (response := await present(world, token)).status_code == 200:
        token = response.cookies[REFRESH]
        world.clock.advance(minutes=20)

    assert 11.5 * 3600 < (world.clock.now() - began).total_seconds() <= 12 * 3600 + 1200


async def test_an_administrators_access_token_ends_before_the_idle_limit(world: World):
    """SESS-07: otherwise a page that only reads would be signed out while in use."""
    account = await world.an_account(role="admin", enrolled=True)
    browser = await world.at_second_factor(account)

    done = (await browser.offer(account.code(world.clock))).json()

    assert done["expires_in"] == 900


async def test_a_new_administrator_gets_the_shorter_idle_limit(world: World):
    """SESS-07, SESS-08: the role is read again."""
    account, token, _ = await a_session(world)
    await execute(world, f"UPDATE users SET role = 'admin' WHERE email = '{account.email}'")

    world.clock.advance(minutes=31)

    assert (await present(world, token)).json()["code"] == "session_ended"


async def test_refresh_returns_the_current_account(world: World):
    """SESS-08: state is read again, not copied from the old token."""
    account, token, _ = await a_session(world)
    await execute(world, f"UPDATE users SET display_name = 'Renamed' WHERE email = '{account.email}'")

    assert (await present(world, token)).json()["user"]["display_name"] == "Renamed"


async def test_a_fallback_key_still_reads_old_tokens(make_world):
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
            newest = await present(after, renewed.cookies[REFRESH])

    assert (me.status_code, renewed.status_code) == (200, 200)
    assert (old_access.status_code, new_access.status_code, newest.status_code) == (401, 200, 200)


async def test_a_disabled_account_cannot_refresh_and_is_not_told_why(world: World):
    account, token, _ = await a_session(world)
    await world.services.accounts.set_disabled(account.email, OPERATOR, disabled=True)

    response = await present(world, token)

    assert response.json()["code"] == "session_ended"
    assert response.json()["detail"] == (await present(world, "A" * 70)).json()["detail"]
