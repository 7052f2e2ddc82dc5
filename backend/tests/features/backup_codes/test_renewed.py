"""New backup codes on request, and checking one without using it."""

from asyncio import gather
from datetime import timedelta

import httpx
import pytest

from focys.features.audit import audit_events
from focys.features.backup_codes import backup_codes
from focys.features.lockout import second_factor_failures
from focys.features.rate_limits import CODES_REPLACED
from tests.conftest import MakeWorld
from tests.support.attempts import WRONG_BACKUP_CODE, use_backup_code
from tests.support.rows import count_of, rows_of
from tests.support.service import OPERATOR, Account, Browser, World

CODES = "/account/backup-codes"


@pytest.fixture
async def ren(world: World) -> Account:
    return await world.an_account(enrolled=True)


async def renew(browser: Browser, token: str) -> httpx.Response:
    return await browser.post(CODES, headers={"Authorization": f"Bearer {token}"})


async def check(browser: Browser, token: str, code: str) -> httpx.Response:
    return await browser.post(f"{CODES}/check", {"code": code}, headers={"Authorization": f"Bearer {token}"})


async def test_new_codes_void_the_old_ones(world: World, ren: Account):
    """BKP-06: all of them, saved or not; the new ones are unsaved until they are acknowledged."""
    browser, token = await world.signed_in(ren)
    old = ren.backup_codes[0]

    response = await renew(browser, token)

    codes, unsaved = response.json()["backup_codes"], response.json()["backup_codes_unsaved"]
    assert len(set(codes)) == 10
    assert set(codes).isdisjoint(ren.backup_codes)
    assert await count_of(world, backup_codes) == 10
    me = (await browser.me(token)).json()
    assert (me["backup_codes_left"], me["backup_codes_unsaved"]) == (10, unsaved)
    refused = await use_backup_code(await world.at_second_factor(ren), old)
    accepted = await use_backup_code(await world.at_second_factor(ren), codes[0])
    assert [refused.json()["code"], accepted.json()["step"]] == ["invalid_code", "done"]


async def test_saved_codes_can_be_replaced_too(world: World, ren: Account):
    browser, token = await world.signed_in(ren)
    first = (await renew(browser, token)).json()
    headers = {"Authorization": f"Bearer {token}"}
    await browser.post("/auth/backup-codes/acknowledge", {"set": first["backup_codes_unsaved"]}, headers=headers)

    second = await renew(browser, token)

    assert set(second.json()["backup_codes"]).isdisjoint(first["backup_codes"])


async def test_the_owner_is_told_and_it_is_audited(world: World, ren: Account):
    """RCV-09: new codes are a change of credentials."""
    browser, token = await world.signed_in(ren)

    codes = (await renew(browser, token)).json()["backup_codes"]
    await world.deliver()

    message = world.mail.emails[-1][1]
    assert message.subject == "You have new backup codes · FOCYS"
    assert "The previous ones no longer work." in message.paragraphs
    assert not [code for code in codes if code in " ".join(message.paragraphs)]
    [event] = [row for row in await rows_of(world, audit_events) if row.event == "MFA backup codes replaced"]
    assert (event.outcome, event.user_id) == ("ok", ren.id)


@pytest.mark.parametrize("path", ["", "/check"])
async def test_a_recent_second_factor_is_needed(world: World, ren: Account, path: str):
    """BKP-06, FLOW-10: neither an older sign-in nor a bypass is enough."""
    browser, token = await world.signed_in(ren)
    await world.services.bypasses.begin(timedelta(hours=1), "lost phone", OPERATOR, address=ren.email)
    bypassed = (await world.a_browser().sign_in_with_password(ren)).json()["access_token"]
    world.clock.advance(minutes=5)
    body = {"code": ren.backup_codes[0]} if path else {}

    refused = [
        await browser.post(CODES + path, body, headers={"Authorization": f"Bearer {bearer}"})
        for bearer in (token, bypassed, "")
    ]

    assert [response.json()["code"] for response in refused] == ["step_up_required"] * 2 + ["not_authenticated"]
    assert await count_of(world, second_factor_failures) == 0


async def test_without_a_factor_there_are_no_codes(make_world: MakeWorld):
    async with make_world(mfa_policy="optional") as world:
        account, browser = await world.an_account(), world.a_browser()
        token = (await browser.sign_in_with_password(account)).json()["access_token"]

        response = await renew(browser, token)

        assert (response.status_code, response.json()["code"]) == (409, "factor_needed")
        assert await count_of(world, backup_codes) == 0


async def test_requests_at_the_same_time_leave_one_set(world: World, ren: Account):
    """BKP-06: the one that is stored is one that was shown."""
    browser, token = await world.signed_in(ren)

    responses = await gather(*(renew(browser, token) for _ in range(3)))

    shown = [response.json()["backup_codes_unsaved"] for response in responses if response.status_code == 200]
    stored = {str(row.unsaved_set) for row in await rows_of(world, backup_codes)}
    assert {response.status_code for response in responses} <= {200, 429}
    assert len(stored) == 1
    assert stored <= set(shown)
    assert await count_of(world, backup_codes) == 10


async def test_new_codes_are_limited(world: World, ren: Account):
    browser, token = await world.signed_in(ren)

    responses = [await renew(browser, token) for _ in range(CODES_REPLACED.amount + 1)]

    assert [response.status_code for response in responses] == [200] * CODES_REPLACED.amount + [429]


async def test_a_code_is_checked_without_using_it(world: World, ren: Account):
    """BKP-03: it still works afterwards, and nothing stays charged."""
    browser, token = await world.signed_in(ren)

    responses = [await check(browser, token, ren.backup_codes[0]) for _ in range(2)]

    assert [response.status_code for response in responses] == [204, 204]
    assert await count_of(world, second_factor_failures) == 0
    assert (await browser.me(token)).json()["backup_codes_left"] == 10
    events = [row for row in await rows_of(world, audit_events) if row.event == "MFA check"]
    assert [(event.outcome, event.detail) for event in events] == [("ok", "backup")] * 2
    used = await use_backup_code(await world.at_second_factor(ren), ren.backup_codes[0])
    assert used.json()["step"] == "done"


async def test_a_used_code_is_recognized(world: World, ren: Account):
    browser, token = await world.signed_in(ren)
    await use_backup_code(await world.at_second_factor(ren), ren.backup_codes[0])

    response = await check(browser, token, ren.backup_codes[0])

    assert response.json()["code"] == "code_already_used"


async def test_a_wrong_code_counts_like_one_at_a_sign_in(world: World, ren: Account):
    """BKP-04: five lock single codes in this browser."""
    browser, token = await world.signed_in(ren)

    wrong = [await check(browser, token, WRONG_BACKUP_CODE) for _ in range(5)]

    assert [response.json()["code"] for response in wrong] == ["invalid_code"] * 4 + ["account_locked"]
    await world.at_second_factor(ren, browser)
    assert (await browser.offer(ren.code(world.clock))).json()["code"] == "account_locked"
    assert await count_of(world, second_factor_failures) == 5


async def test_a_check_forgives_no_failures(world: World, ren: Account):
    """BKP-04: only a sign-in or a step-up does."""
    browser, token = await world.signed_in(ren)
    await check(browser, token, WRONG_BACKUP_CODE)

    await check(browser, token, ren.backup_codes[0])

    assert await count_of(world, second_factor_failures) == 1


async def test_another_accounts_code_is_wrong(world: World, ren: Account):
    other = await world.an_account("bob@student.com", enrolled=True)
    browser, token = await world.signed_in(ren)

    response = await check(browser, token, other.backup_codes[0])

    assert response.json()["code"] == "invalid_code"
