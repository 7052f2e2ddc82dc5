"""Backup codes that were shown but not acknowledged are remembered as unsaved, and can be replaced once."""

from asyncio import gather
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from focys.features.backup_codes import backup_codes
from tests.conftest import MakeWorld
from tests.support.attempts import at_enrollment, confirm, use_backup_code
from tests.support.rows import count_of, rows_of
from tests.support.service import OPERATOR, Account, Browser, World


async def just_enrolled(world: World) -> tuple[Account, Browser, dict[str, Any]]:
    """A person who was just shown the codes, the browser, and the response that showed them."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    done = (await confirm(browser, account.code(world.clock))).json()
    world.clock.advance(seconds=30)
    return account, browser, done


async def call(browser: Browser, path: str, token: str, of_set: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await browser.post(f"/auth/backup-codes/{path}", {"set": str(of_set)}, headers=headers)


async def unsaved(browser: Browser, token: str) -> Any:
    return (await browser.me(token)).json()["backup_codes_unsaved"]


async def test_codes_are_unsaved_until_they_are_acknowledged(world: World):
    """BKP-07: also for a reload, another tab and the next sign-in."""
    account, browser, done = await just_enrolled(world)
    shown = done["user"]["backup_codes_unsaved"]
    _, later_token = await world.signed_in(account)

    before = [await unsaved(browser, done["access_token"]), await unsaved(browser, later_token)]
    acknowledged = await call(browser, "acknowledge", done["access_token"], shown)
    again = await call(browser, "acknowledge", done["access_token"], shown)

    assert before == [shown, shown]
    assert [acknowledged.json(), again.json()] == [{"backup_codes_unsaved": None}] * 2
    assert await unsaved(browser, done["access_token"]) is None
    later = (await (await world.at_second_factor(account)).offer(account.code(world.clock))).json()
    assert later["user"].get("backup_codes_unsaved") is None
    assert "backup_codes" not in later


async def test_unsaved_codes_can_be_replaced_after_a_reload(world: World):
    """BKP-07, BKP-06: the old codes are void from then on, and an email says so."""
    account, browser, done = await just_enrolled(world)
    reloaded = (await browser.post("/auth/refresh")).json()

    renewed = await call(browser, "renew", reloaded["access_token"], reloaded["user"]["backup_codes_unsaved"])
    await world.deliver()

    codes = renewed.json()["backup_codes"]
    assert len(set(codes)) == 10
    assert set(codes).isdisjoint(done["backup_codes"])
    assert await unsaved(browser, done["access_token"]) == renewed.json()["backup_codes_unsaved"]
    assert await count_of(world, backup_codes) == 10
    assert world.mail.emails[-1][1].subject == "You have new backup codes · FOCYS"
    old = await use_backup_code(await world.at_second_factor(account), done["backup_codes"][0])
    new = await use_backup_code(await world.at_second_factor(account), codes[0])
    assert [old.json()["code"], new.json()["step"]] == ["invalid_code", "done"]


async def test_only_the_unsaved_set_itself_can_be_replaced(world: World):
    """BKP-07: a tab that shows an outdated page voids nothing."""
    _, browser, done = await just_enrolled(world)
    token, first = done["access_token"], done["user"]["backup_codes_unsaved"]
    second = (await call(browser, "renew", token, first)).json()["backup_codes_unsaved"]

    outdated = await call(browser, "renew", token, first)
    still_unsaved = (await call(browser, "acknowledge", token, first)).json()["backup_codes_unsaved"]
    await call(browser, "acknowledge", token, second)
    saved = await call(browser, "renew", token, second)

    assert [outdated.json()["code"], saved.json()["code"]] == ["codes_outdated"] * 2
    assert [outdated.status_code, saved.status_code] == [409, 409]
    assert still_unsaved == second


async def test_one_of_two_replacements_at_once_is_made(world: World):
    _, browser, done = await just_enrolled(world)
    token, shown = done["access_token"], done["user"]["backup_codes_unsaved"]

    responses = await gather(*(call(browser, "renew", token, shown) for _ in range(2)))

    assert [response.status_code for response in responses].count(200) == 1
    assert await count_of(world, backup_codes) == 10


async def test_a_used_code_shows_that_the_set_was_saved(world: World):
    account, browser, done = await just_enrolled(world)

    used = (await use_backup_code(await world.at_second_factor(account), done["backup_codes"][3])).json()

    assert used["user"].get("backup_codes_unsaved") is None
    assert await unsaved(browser, done["access_token"]) is None


async def test_new_codes_need_a_recent_sign_in_with_a_second_factor(world: World):
    """BKP-07: neither an older session nor a bypass is enough."""
    account, browser, done = await just_enrolled(world)
    shown = done["user"]["backup_codes_unsaved"]
    await world.services.bypasses.begin(timedelta(hours=1), "lost phone", OPERATOR, address=account.email)
    bypassed = (await world.a_browser().sign_in_with_password(account)).json()
    world.clock.advance(minutes=11)

    older = await call(browser, "renew", done["access_token"], shown)
    password_only = await call(browser, "renew", bypassed["access_token"], shown)
    nobody = await call(browser, "renew", "", shown)

    assert [older.json()["code"], password_only.json()["code"]] == ["step_up_required"] * 2
    assert nobody.json()["code"] == "not_authenticated"
    assert bypassed["user"].get("backup_codes_unsaved") is None
    assert await unsaved(browser, bypassed["access_token"]) is None


async def test_another_accounts_set_is_neither_acknowledged_nor_replaced(world: World):
    _, browser, done = await just_enrolled(world)
    bob = await world.an_account("bob@student.com", enrolled=True)
    other, token = await world.signed_in(bob)
    shown = done["user"]["backup_codes_unsaved"]

    await call(other, "acknowledge", token, shown)
    renewed = await call(other, "renew", token, shown)

    assert renewed.status_code == 409
    assert await unsaved(browser, done["access_token"]) == shown


async def test_codes_from_before_the_upgrade_count_as_saved(world: World):
    account, browser, done = await just_enrolled(world)
    rows = await rows_of(world, backup_codes)
    assert {row.unsaved_set for row in rows} != {None}
    # The previous version inserts no value.
    async with world.services.database.engine.begin() as connection:
        await connection.execute(backup_codes.update().values(unsaved_set=None))

    assert await unsaved(browser, done["access_token"]) is None
    refused = await call(browser, "renew", done["access_token"], uuid4())
    assert refused.json()["code"] == "codes_outdated"
    assert account.backup_codes == ()


async def test_new_sets_are_limited(make_world: MakeWorld):
    """BKP-07: each costs ten hashes."""
    async with make_world() as world:
        _, browser, done = await just_enrolled(world)
        token, shown, codes = done["access_token"], done["user"]["backup_codes_unsaved"], []
        for _ in range(6):
            response = await call(browser, "renew", token, shown)
            codes.append(response.status_code)
            shown = response.json().get("backup_codes_unsaved")

        assert codes == [200] * 5 + [429]
