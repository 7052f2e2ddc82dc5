"""A kind of factor that the login does not know: a folder, and two entries in ``focys.services``."""

from collections.abc import AsyncIterator

import pytest

from focys import services
from focys.features.audit import audit_events
from focys.features.lockout import second_factor_failures
from tests.conftest import world_on
from tests.features.factors.favorite import FEATURE, FavoriteFactor
from tests.support.rows import count_of, rows_of
from tests.support.service import Account, Browser, World

RIGHT, WRONG = {"animal": "ecila"}, {"animal": "newt"}


@pytest.fixture
async def world(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The service with a third kind of factor."""
    usual = services.second_factors
    monkeypatch.setattr(services, "FEATURES", (*services.FEATURES, FEATURE))
    monkeypatch.setattr(services, "second_factors", lambda *held: (*usual(*held), FavoriteFactor()))
    async with world_on(database_url) as world:
        yield world


@pytest.fixture
async def account(world: World) -> Account:
    return await world.an_account(enrolled=True)


async def response(browser: Browser, body: dict[str, str]):
    return await browser.post("/auth/favorite/verify", body)


async def test_a_new_factor_is_offered_and_signs_in(world: World, account: Account):
    browser = await world.at_second_factor(account)
    assert (await browser.get("/auth/login")).json()["factors"] == ["totp", "backup_codes", "favorite"]

    done = await response(browser, RIGHT)

    assert done.status_code == 200, done.text
    me = await browser.me(done.json()["access_token"])
    assert me.json()["amr"] == ["pwd", "kba", "mfa"]
    assert await count_of(world, second_factor_failures) == 0


async def test_failures_of_all_factors_count_together(world: World, account: Account):
    browser = await world.at_second_factor(account)
    codes = [(await response(browser, WRONG)).json()["code"] for _ in range(3)]
    codes += [(await browser.offer("000000")).json()["code"] for _ in range(2)]
    assert codes == ["invalid_code"] * 4 + ["account_locked"]

    refused = await response(browser, RIGHT)

    assert (refused.status_code, refused.json()["code"]) == (429, "account_locked")
    world.clock.advance(minutes=15)
    assert (await response(await world.at_second_factor(account), RIGHT)).status_code == 200


async def test_a_new_factor_is_audited_and_counted_under_its_own_name(world: World, account: Account):
    browser = await world.at_second_factor(account)
    await response(browser, WRONG)
    await response(browser, RIGHT)

    told = [(row.event, row.outcome) for row in await rows_of(world, audit_events) if row.event == "favorite animal"]
    metrics = (await world.a_browser().get("/metrics")).text

    assert sorted(told) == [("favorite animal", "ok"), ("favorite animal", "refused")]
    assert 'focys_events_total{event="favorite animal",outcome="ok",reason=""}' in metrics


async def test_a_malformed_proof_is_refused_and_not_charged(world: World, account: Account):
    browser = await world.at_second_factor(account)

    refused = await response(browser, {"animal": "newt", "color": "green"})

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "color")
    assert await count_of(world, second_factor_failures) == 0


async def test_a_new_factor_needs_a_login(world: World, account: Account):
    assert (await response(world.a_browser(), RIGHT)).json()["code"] == "login_expired"
