"""People see what happened to their account."""

from datetime import timedelta
from typing import Any

import pytest

from focys.features.audit import AuditEvent, Outcome, insert_event
from focys.features.sessions import Event
from tests.support.attempts import wrong_code
from tests.support.service import OPERATOR, Account, Browser, World


@pytest.fixture
async def ren(world: World) -> Account:
    return await world.an_account(enrolled=True)


async def signed_in(world: World, account: Account) -> tuple[Browser, dict[str, str]]:
    browser, token = await world.signed_in(account)
    return browser, {"Authorization": f"Bearer {token}"}


async def page(browser: Browser, headers: dict[str, str], before: str | None = None) -> Any:
    query = f"?before={before}" if before else ""
    response = await browser.get(f"/account/activity{query}", headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def many_sign_outs(world: World, account: Account, count: int) -> None:
    """Half of them at the same moment."""
    for number in range(count):
        event = AuditEvent(Event.SIGN_OUT, Outcome.OK, account.id)
        at = world.clock.now() - timedelta(days=1, hours=number // 2)
        await world.services.database.write(insert_event(event, OPERATOR, at))


async def test_a_failed_code_is_shown_in_plain_words_with_its_network(world: World, ren: Account):
    stranger = await world.at_second_factor(ren, world.a_browser("198.51.100.7"))
    await stranger.offer(wrong_code(ren, world))
    world.clock.advance(seconds=1)
    browser, headers = await signed_in(world, ren)

    events = (await page(browser, headers))["events"]

    times = [event["at"] for event in events]
    assert times == sorted(times, reverse=True)
    [failed] = [event for event in events if event["outcome"] == "refused"]
    assert failed["what"] == "the code from the app was refused: wrong code"
    assert failed["network"] == "198.51.100.7"


async def test_refreshes_are_left_out(world: World, ren: Account):
    browser, headers = await signed_in(world, ren)
    before = await page(browser, headers)
    world.clock.advance(minutes=2)

    await browser.post("/auth/refresh")

    assert await page(browser, headers) == before


async def test_an_operator_is_not_named(world: World, ren: Account):
    await world.services.administration.unlock(ren.email, OPERATOR)
    browser, headers = await signed_in(world, ren)

    events = (await page(browser, headers))["events"]

    assert [event["network"] for event in events if "operator unlocked" in event["what"]] == [None]


async def test_each_event_is_on_one_page(world: World, ren: Account):
    browser, headers = await signed_in(world, ren)
    recent = len((await page(browser, headers))["events"])
    await many_sign_outs(world, ren, 101)

    pages = [await page(browser, headers)]
    while pages[-1]["before"]:
        pages.append(await page(browser, headers, pages[-1]["before"]))

    ids = [event["id"] for shown in pages for event in shown["events"]]
    assert [len(shown["events"]) for shown in pages[:2]] == [50, 50]
    assert len({*ids}) == len(ids) == recent + 101


async def test_nobody_sees_what_happened_to_anyone_else(world: World, ren: Account):
    stranger = await signed_in(world, await world.an_account("other@student.com", enrolled=True))
    browser, headers = await signed_in(world, ren)
    await many_sign_outs(world, ren, 60)
    cursor = (await page(browser, headers))["before"]

    theirs = await page(*stranger)

    assert not any(event["what"] == "signed out" for event in theirs["events"])
    assert (await page(*stranger, cursor))["events"] == []
