"""Turning the second step off: only where policy allows, and only with a code from the app."""

from collections.abc import AsyncIterator

import pytest

from focys.features.audit import audit_events
from focys.features.backup_codes import backup_codes
from tests.conftest import MakeWorld
from tests.support.new_phone import bearer, confirm, show, turn_off, with_a_factor_of_choice
from tests.support.rows import count_of, rows_of
from tests.support.service import PASSWORD, World

REMOVED = "The second step was turned off · FOCYS"


@pytest.fixture
async def optional(make_world: MakeWorld) -> AsyncIterator[World]:
    """The service where a second step is optional."""
    async with make_world(mfa_policy="optional") as world:
        yield world


async def test_the_password_is_then_enough_and_all_other_sessions_end(optional: World):
    """TOTP-15, SESS-11: this session continues."""
    account = await with_a_factor_of_choice(optional)
    other, others = await optional.signed_in(account)
    browser, token = await optional.signed_in(account)

    response = await turn_off(browser, token)

    assert response.status_code == 204, response.text
    me = (await browser.me(token)).json()
    assert (me["mfa_enabled"], me["factors"]) == (False, [])
    assert (await other.me(others)).status_code == 401
    assert (await browser.post("/auth/refresh")).status_code == 200
    assert await count_of(optional, backup_codes) == 0
    assert (await optional.a_browser().sign_in_with_password(account)).json()["step"] == "done"


async def test_the_owner_gets_an_email_and_the_log_an_event(optional: World):
    """RCV-09, TOTP-15."""
    account = await with_a_factor_of_choice(optional)
    browser, token = await optional.signed_in(account)
    before = len(optional.mail.subjects(account.email))

    await turn_off(browser, token)
    await turn_off(browser, token)
    await optional.deliver()

    assert optional.mail.subjects(account.email)[before:] == [REMOVED]
    text = " ".join(optional.mail.emails[-1][1].paragraphs)
    assert "from 192.0.2.1" in text
    assert "If that was not you" in text
    told = [row.outcome for row in await rows_of(optional, audit_events) if row.event == "MFA turned off"]
    assert told == ["ok"]


async def test_a_backup_code_is_not_enough(optional: World):
    """BKP-05, FLOW-10: neither as a step-up nor at the sign-in; a new authenticator comes first."""
    account = await with_a_factor_of_choice(optional)
    browser, token = await optional.signed_in(account)
    optional.clock.advance(minutes=6)
    stepped_up = {"code": account.backup_codes[0], "password": PASSWORD}
    await browser.post("/auth/step-up/backup-code", stepped_up, headers=bearer(token))
    other = await optional.at_second_factor(account)
    signed_in = await other.post("/auth/backup-code/verify", {"code": account.backup_codes[1]})

    responses = [await turn_off(browser, token), await turn_off(other, signed_in.json()["access_token"])]

    assert [(one.status_code, one.json()["code"]) for one in responses] == [(403, "app_code_required")] * 2
    await browser.post("/auth/step-up", {"code": account.code(optional.clock)}, headers=bearer(token))
    assert (await turn_off(browser, token)).status_code == 204


async def test_each_missing_proof_is_refused(optional: World):
    """TOTP-15."""
    account = await with_a_factor_of_choice(optional)
    browser, token = await optional.signed_in(account)
    optional.clock.advance(minutes=6)

    nobody, stale = await turn_off(optional.a_browser(), "none"), await turn_off(browser, token)

    assert (nobody.status_code, nobody.json()["code"]) == (401, "not_authenticated")
    assert (stale.status_code, stale.json()["code"]) == (403, "step_up_required")
    assert (await browser.me(token)).json()["mfa_enabled"]


async def test_nobody_turns_it_off_where_it_is_required(world: World):
    """TOTP-15, TOTP-16."""
    browser, token = await world.signed_in(await world.an_account(enrolled=True))

    response = await turn_off(browser, token)

    assert (response.status_code, response.json()["code"]) == (403, "mfa_required")
    assert (await browser.me(token)).json()["mfa_enabled"]


async def test_a_verification_with_the_password_does_not_outlast_a_new_second_step(optional: World):
    """FLOW-10: what the password confirmed before is not confirmed with a code."""
    account, browser = await optional.an_account(), optional.a_browser()
    token = (await browser.sign_in_with_password(account)).json()["access_token"]
    await browser.post("/auth/step-up/password", {"password": PASSWORD}, headers=bearer(token))
    account.secret = (await show(browser, token)).json()["secret"]
    await confirm(browser, token, account.code(optional.clock))

    again = await show(browser, token)

    assert (again.status_code, again.json()["code"]) == (403, "step_up_required")
