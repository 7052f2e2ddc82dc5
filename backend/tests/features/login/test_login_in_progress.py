"""A login in progress: found only by its token, five minutes long, good for one completion, and for nobody else."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import focys
from focys.features.login import pending_logins
from focys.features.sessions import sessions
from focys.infra.crypto.tokens import digest
from tests.conftest import MakeWorld, settings_for
from tests.support.attempts import (
    at_enrollment,
    at_mailed_code,
    confirm,
    enter_mailed_code,
    offer_wrong,
    use_backup_code,
    wrong_code,
)
from tests.support.jar import KNOWN, LOGIN, REFRESH, cookie, put
from tests.support.rows import count_of, rows_of
from tests.support.service import OPERATOR, World

FOCYS = Path(focys.__file__).parent


async def test_the_database_keeps_only_the_hash_of_the_login_token(world: World):
    """FLOW-02: 256 random bits, found by their SHA-256."""
    account = await world.an_account(enrolled=True)
    first, second = await world.at_second_factor(account), await world.at_second_factor(account)

    login_tokens = [cookie(first), cookie(second)]
    stored = [row.handle_hash for row in await rows_of(world, pending_logins) if row.consumed_at is None]

    assert all(len(login_token) == 43 for login_token in login_tokens)
    assert login_tokens[0] != login_tokens[1]
    assert sorted(stored) == sorted(digest(login_token) for login_token in login_tokens)


async def test_a_login_lasts_five_minutes_and_nothing_extends_it(world: World):
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    ends = (await browser.get("/auth/login")).json()["expires_at"]
    assert datetime.fromisoformat(ends) == world.clock.now() + timedelta(minutes=5)

    for _ in range(4):
        world.clock.advance(seconds=74)
        await offer_wrong(world, account, browser)
        state = (await browser.get("/auth/status")).json()["login"]
        assert (state["step"], state["expires_at"]) == ("totp", ends)
    assert state["expires_in"] == 4
    world.clock.advance(seconds=4)

    assert (await browser.offer(account.code(world.clock))).json()["code"] == "login_expired"
    assert (await browser.get("/auth/status")).json()["login"] is None


async def test_enrollment_lasts_as_long_as_the_pending_secret(world: World):
    """FLOW-03, TOTP-10: the step enroll is a login of its own, of fifteen minutes."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)

    world.clock.advance(minutes=14, seconds=59)
    state = (await browser.get("/auth/login")).json()
    assert (state["step"], state["expires_in"]) == ("enroll", 1)
    world.clock.advance(seconds=1)

    assert (await confirm(browser, account.code(world.clock))).json()["code"] == "login_expired"


async def test_proving_the_mailbox_replaces_the_login_token(world: World):
    """FLOW-03, EOTP-08: the login token changes with the step, and the old one is dead."""
    account = await world.an_account()
    browser = await at_mailed_code(world, account)
    old, code = cookie(browser), world.mail.last_code(account.email)

    await enter_mailed_code(browser, code)

    assert cookie(browser) != old
    stale = put(world.a_browser(), old)
    assert (await enter_mailed_code(stale, code)).json()["code"] == "login_expired"


async def test_only_the_last_step_issues_credentials(world: World):
    """FLOW-05: no session, no token and no known browser before all factors have passed."""
    account, browser = await world.an_account(), world.a_browser()
    responses = [await browser.sign_in_with_password(account)]
    await world.deliver()
    responses.append(await enter_mailed_code(browser, world.mail.last_code(account.email)))
    responses.append(await browser.post("/auth/mfa/enroll"))
    account.secret = responses[-1].json()["secret"]
    responses.append(await confirm(browser, wrong_code(account, world)))

    assert set(browser.http.cookies) == {LOGIN}
    assert not any("access_token" in response.json() for response in responses)
    assert await count_of(world, sessions) == 0
    done = await confirm(browser, account.code(world.clock))

    assert done.json()["access_token"]
    assert set(browser.http.cookies) == {KNOWN, REFRESH}
    assert await count_of(world, sessions) == 1


@pytest.mark.parametrize("act", ["disable", "set password", "reset factor"])
@pytest.mark.parametrize("proof", ["totp", "backup code"])
async def test_an_account_change_before_the_commit_refuses_the_proof(
    world: World, monkeypatch: pytest.MonkeyPatch, act: str, proof: str
):
    """FLOW-06, LOCK-02: the account is as it was read when the session is minted, or there is none."""
    account = await world.an_account(enrolled=True)
    browser, before = await world.at_second_factor(account), await count_of(world, sessions)
    database, code, operator = world.services.database, account.code(world.clock), world.services.administration
    write = database.write

    async def change_and_write(*decision: Any, **guard: Any) -> bool:
        monkeypatch.setattr(database, "write", write)
        if act == "disable":
            await world.services.accounts.set_disabled(account.email, OPERATOR, disabled=True)
        elif act == "set password":
            await operator.set_password(account.email, "seven-quiet-lanterns-41", OPERATOR)
        else:
            await operator.reset_mfa(account.email, OPERATOR)
        return await write(*decision, **guard)

    monkeypatch.setattr(database, "write", change_and_write)
    response = await (browser.offer(code) if proof == "totp" else use_backup_code(browser, account.backup_codes[0]))

    assert response.json()["code"] == "login_expired"
    assert await count_of(world, sessions) == before


async def test_newer_logins_do_not_end_older_ones(world: World):
    """FLOW-08, AVL-08: however many logins a stranger with the password starts, the owner's lasts its five minutes."""
    account = await world.an_account(enrolled=True)
    owner = await world.at_second_factor(account)
    others = [await world.at_second_factor(account, world.a_browser("203.0.113.5")) for _ in range(8)]
    world.clock.advance(minutes=4, seconds=59)

    standing = [(await browser.get("/auth/login")).status_code for browser in (owner, *others)]

    assert standing == [200] * 9
    assert (await owner.offer(account.code(world.clock))).status_code == 200


async def test_logins_of_an_account_are_limited_per_network(make_world: MakeWorld):
    """FLOW-08: this bounds the table; other networks and known browsers do not have to wait."""
    async with make_world(logins_per_network=5) as world:
        account = await world.an_account(enrolled=True)
        known, _ = await world.signed_in(account, world.a_browser("203.0.113.5"))
        world.clock.advance(minutes=5)
        begun = [await world.at_second_factor(account, world.a_browser("203.0.113.5")) for _ in range(5)]
        world.clock.advance(minutes=1)

        sixth = await world.a_browser("203.0.113.5").sign_in_with_password(account)

        assert (sixth.status_code, sixth.json()["code"], sixth.json()["retry_after"]) == (429, "throttled", 240)
        assert [(await browser.get("/auth/login")).status_code for browser in begun] == [200] * 5
        await world.at_second_factor(account, world.a_browser("198.51.100.9"))
        await world.at_second_factor(account, known)
        world.clock.advance(minutes=4)
        await world.at_second_factor(account, world.a_browser("203.0.113.5"))


def test_the_default_is_sixty_logins_per_network():
    """FLOW-08: a household or a classroom that shares an address never meets the limit."""
    assert settings_for("sqlite:///unused.db").logins_per_network == 60


async def test_a_login_started_in_the_future_is_over(world: World):
    account = await world.an_account(enrolled=True)
    waiting = await world.at_second_factor(account)
    world.clock.advance(hours=1)
    ahead = await world.at_second_factor(account)
    world.clock.advance(hours=-1)

    assert (await ahead.get("/auth/login")).json()["code"] == "login_expired"
    assert (await ahead.offer(account.code(world.clock))).json()["code"] == "login_expired"
    assert (await waiting.offer(account.code(world.clock))).status_code == 200


async def test_starting_over_clears_no_failures(world: World):
    """FLOW-08, LOCK-05: failures belong to account and bucket, not to a login."""
    account = await world.an_account(enrolled=True)
    for left in (4, 3, 2, 1):
        browser = await world.at_second_factor(account, world.a_browser(f"203.0.113.{left}"))
        assert (await offer_wrong(world, account, browser)).json()["tries_left"] == left

    last = await world.at_second_factor(account)
    assert (await offer_wrong(world, account, last)).json()["code"] == "account_locked"
    again = await world.at_second_factor(account)

    assert (await again.offer(account.code(world.clock))).json()["code"] == "account_locked"


@pytest.mark.parametrize("way_out", ["cancel", "log out"])
async def test_canceling_or_logging_out_ends_the_login(world: World, way_out: str):
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    login_token = cookie(browser)

    left = await (browser.http.delete("/auth/login") if way_out == "cancel" else browser.post("/auth/logout"))

    assert left.status_code == 204
    assert cookie(browser) == ""
    stale = put(world.a_browser(), login_token)
    assert (await stale.offer(account.code(world.clock))).json()["code"] == "login_expired"


async def test_the_user_comes_from_the_login_not_from_the_session(world: World):
    """FLOW-04: another user's session and known browser beside a login change nothing about whose it is."""
    alice = await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)
    browser, bobs_token = await world.signed_in(bob)
    await world.at_second_factor(alice, browser)

    refused = await browser.offer(bob.code(world.clock))
    done = await browser.offer(alice.code(world.clock))

    assert (refused.json()["code"], refused.json()["tries_left"]) == ("invalid_code", 4)
    assert done.json()["user"]["email"] == alice.email
    assert (await browser.me(bobs_token)).json()["email"] == bob.email
    assert (await browser.post("/auth/refresh")).json()["user"]["email"] == alice.email
