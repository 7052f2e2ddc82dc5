"""What ends a session, and that it ends at once, for access and refresh token alike."""

from collections.abc import Awaitable, Callable

import pytest

from focys.features.audit import audit_events
from focys.features.sessions import sessions
from tests.support.jar import REFRESH, put
from tests.support.numbers import scrape
from tests.support.rows import execute, rows_of
from tests.support.service import OPERATOR, Account, Browser, World

Ending = Callable[[World, Account], Awaitable[object]]


async def is_alive(browser: Browser, token: str) -> tuple[bool, bool]:
    """Whether the access token and the refresh token still work."""
    me = await browser.me(token)
    refresh = await browser.post("/auth/refresh")
    assert {me.status_code, refresh.status_code} <= {200, 401}
    return me.status_code == 200, refresh.status_code == 200


async def test_signing_out_ends_only_this_session(world: World):
    account = await world.an_account(enrolled=True)
    here, token = await world.signed_in(account)
    there, other_token = await world.signed_in(account)
    stolen = here.http.cookies["focys_refresh"]

    response = await here.post("/auth/logout")

    assert response.status_code == 204
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert (await here.me(token)).status_code == 401
    replay = await world.a_browser().post("/auth/refresh", headers={"Cookie": f"focys_refresh={stolen}"})
    assert replay.json()["code"] == "session_ended"
    assert await is_alive(there, other_token) == (True, True)


async def test_signing_out_clears_all_cookies_but_the_known_browsers(world: World):
    """SESS-09: the known browser keeps its own failure count."""
    account = await world.an_account(enrolled=True)
    browser, _ = await world.signed_in(account)
    await browser.sign_in_with_password(account)

    response = await browser.post("/auth/logout")

    cleared = [line for line in response.headers.get_list("Set-Cookie") if "Max-Age=0" in line]
    assert sorted(line.partition("=")[0] for line in cleared) == ["focys_login", "focys_refresh"]
    assert set(browser.http.cookies) == {"focys_browser"}


async def test_signing_out_works_with_an_access_token_alone(world: World):
    """SESS-09: a client without cookies can sign out, too."""
    account = await world.an_account(enrolled=True)
    _, token = await world.signed_in(account)

    response = await world.a_browser().post("/auth/logout", headers={"Authorization": f"Bearer {token}"})

    assert response.status_code == 204
    assert (await world.a_browser().me(token)).status_code == 401


async def test_signing_out_twice_or_without_a_session_is_no_error(world: World):
    browser = world.a_browser()

    assert (await browser.post("/auth/logout")).status_code == 204
    assert (await browser.post("/auth/logout", headers={"Authorization": "Bearer nonsense"})).status_code == 204


async def test_signing_out_is_audited_once(world: World):
    account = await world.an_account(enrolled=True)
    browser, _ = await world.signed_in(account)

    await browser.post("/auth/logout")
    await browser.post("/auth/logout")

    told = [row for row in await rows_of(world, audit_events) if row.event == "sign-out"]
    assert [(row.outcome, row.user_id) for row in told] == [("ok", account.id)]


@pytest.mark.parametrize("rotations", [1, 2, 3])
async def test_signing_out_with_an_old_token_raises_the_alarm(world: World, rotations: int):
    """SESS-05, LOG-06: one of the two parties that hold it has stolen it."""
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)
    stolen = browser.http.cookies["focys_refresh"]
    for _ in range(rotations):
        world.clock.advance(minutes=1)
        await browser.post("/auth/refresh")
    world.clock.advance(seconds=11)
    before = await scrape(browser)

    response = await put(world.a_browser(), stolen, REFRESH).post("/auth/logout")

    assert response.status_code == 204
    assert await is_alive(browser, token) == (False, False)
    told = [row for row in await rows_of(world, audit_events) if row.event == "sign-out"]
    assert [(row.user_id, row.detail) for row in told] == [(account.id, "refresh token used twice")]
    alarms = [seen.of("focys_alarms_total", alarm="refresh_token_reused") for seen in (before, await scrape(browser))]
    assert alarms[1] - alarms[0] == 1


async def test_signing_out_with_the_token_just_replaced_raises_no_alarm(world: World):
    """SESS-06: another tab has replaced it a moment ago."""
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)
    replaced = browser.http.cookies["focys_refresh"]
    world.clock.advance(minutes=1)
    await browser.post("/auth/refresh")

    await put(world.a_browser(), replaced, REFRESH).post("/auth/logout")

    assert await is_alive(browser, token) == (False, False)
    told = [row for row in await rows_of(world, audit_events) if row.event == "sign-out"]
    assert [(row.outcome, row.detail) for row in told] == [("ok", None)]


async def disable(world: World, account: Account) -> None:
    await world.services.accounts.set_disabled(account.email, OPERATOR, disabled=True)


async def disable_by_hand(world: World, account: Account) -> None:
    """As an operator at the database would, who knows nothing of epochs."""
    await execute(world, f"UPDATE users SET disabled_at = '2026-03-02 12:00:00' WHERE email = '{account.email}'")


async def disable_and_enable(world: World, account: Account) -> None:
    await disable(world, account)
    await world.services.accounts.set_disabled(account.email, OPERATOR, disabled=False)


async def set_password(world: World, account: Account) -> None:
    await world.services.administration.set_password(account.email, "violet-quarry-tandem-77", OPERATOR)


async def reset_mfa(world: World, account: Account) -> None:
    await world.services.administration.reset_mfa(account.email, OPERATOR)


async def delete(world: World, account: Account) -> None:
    await execute(world, f"DELETE FROM users WHERE email = '{account.email}'")


@pytest.mark.parametrize("ending", [disable, disable_by_hand, disable_and_enable, set_password, reset_mfa, delete])
async def test_a_change_of_the_account_ends_all_its_sessions(world: World, ending: Ending):
    alice = await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)
    sessions_of_alice = [await world.signed_in(alice) for _ in range(2)]
    of_bob = await world.signed_in(bob)

    await ending(world, alice)

    for browser, token in sessions_of_alice:
        assert await is_alive(browser, token) == (False, False)
    assert await is_alive(*of_bob) == (True, True)


async def test_signing_in_with_a_new_password_revives_no_session(world: World):
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)
    await set_password(world, account)
    account.password = "violet-quarry-tandem-77"

    fresh = await world.signed_in(account)

    assert await is_alive(*fresh) == (True, True)
    assert await is_alive(browser, token) == (False, False)


async def test_enrolling_again_ends_earlier_sessions(world: World):
    """SESS-11: any factor change."""
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)
    await execute(world, f"UPDATE users SET mfa_enabled = false WHERE email = '{account.email}'")

    await world.enroll(account, world.a_browser())

    assert await is_alive(browser, token) == (False, False)


async def test_the_eleventh_session_ends_the_oldest(world: World):
    """SESS-12: at most ten at once."""
    account = await world.an_account(enrolled=True)
    opened = []

    for _ in range(10):
        opened.append(await world.signed_in(account))
        world.clock.advance(seconds=30)
    await world.signed_in(account)

    # The enrollment's own session was the first and went when the tenth sign-in came.
    assert (await opened[0][0].me(opened[0][1])).status_code == 401
    assert (await opened[1][0].me(opened[1][1])).status_code == 200
    assert sum(row.revoked_at is None for row in await rows_of(world, sessions)) == 10


async def test_sessions_are_counted_per_account(world: World):
    alice = await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)
    first = await world.signed_in(bob)

    for _ in range(11):
        await world.signed_in(alice)

    assert (await first[0].me(first[1])).status_code == 200


async def test_a_session_remembers_where_it_was_opened(world: World):
    """What a list of sessions will show: address and browser, cleaned and cut."""
    account = await world.an_account(enrolled=True)
    browser = world.a_browser("203.0.113.9")
    browser.http.headers["User-Agent"] = "Mozilla\x7f/5.0 \x1b[31m" + "x" * 400

    await world.signed_in(account, browser)

    [row] = [row for row in await rows_of(world, sessions) if row.address == "203.0.113.9"]
    assert row.agent.startswith("Mozilla/5.0 [31mxxx")
    assert len(row.agent) == 200
    assert row.amr == "pwd otp mfa"


async def test_me_shows_method_and_expiry(world: World):
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)

    me = (await browser.me(token)).json()

    assert me["amr"] == ["pwd", "otp", "mfa"]
    assert me["auth_time"] == "2026-03-02T12:00:30Z"
    assert me["session_expires_at"] == "2026-03-09T12:00:30Z"
