"""What a route for signed-in users gets by naming who may call it."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from focys.features.accounts import users
from focys.features.sessions import Administrator, CurrentSession, RecentlyVerified, sessions
from focys.features.sessions.recency import RECENT
from tests.support.service import OPERATOR, World

PATHS = ("/anyone", "/recent", "/admin")


@pytest.fixture
def pages(world: World) -> World:
    """The service with a route for each kind of caller."""
    app: FastAPI = world.app

    @app.get("/anyone")
    async def anyone(session: CurrentSession) -> str:
        return session.email

    @app.get("/recent")
    async def recent(session: RecentlyVerified) -> str:
        return session.email

    @app.get("/admin")
    async def admin(session: Administrator) -> str:
        return session.email

    return world


async def asked(world: World, token: str | None) -> list[tuple[int, str]]:
    browser = world.a_browser()
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    responses = [await browser.get(path, headers=headers) for path in PATHS]
    return [
        (response.status_code, response.json() if response.status_code == 200 else response.json()["code"])
        for response in responses
    ]


async def test_without_a_session_every_route_is_refused(pages: World):
    assert await asked(pages, None) == [(401, "not_authenticated")] * 3


async def test_a_new_session_is_recently_verified_and_no_administrator(pages: World):
    account = await pages.an_account(enrolled=True)
    _, token = await pages.signed_in(account)

    assert await asked(pages, token) == [(200, account.email), (200, account.email), (403, "forbidden")]


async def test_an_administrator_is_let_in(pages: World):
    account = await pages.an_account(enrolled=True)
    async with pages.services.database.engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == account.id).values(role="admin"))
    _, token = await pages.signed_in(account)

    assert (await asked(pages, token))[2] == (200, account.email)


async def test_a_bypassed_sign_in_is_no_verification(pages: World):
    account = await pages.an_account(enrolled=True)
    await pages.services.bypasses.begin(timedelta(hours=1), "lost phone", OPERATOR, address=account.email)
    signed_in = await pages.a_browser().sign_in_with_password(account)

    assert (await asked(pages, signed_in.json()["access_token"]))[:2] == [
        (200, account.email),
        (403, "step_up_required"),
    ]


@pytest.mark.parametrize("offset", [RECENT, -RECENT])
async def test_an_old_or_future_verification_is_not_recent(pages: World, offset: timedelta):
    account = await pages.an_account(enrolled=True)
    _, token = await pages.signed_in(account)
    async with pages.services.database.engine.begin() as connection:
        await connection.execute(update(sessions).values(auth_time=pages.clock.now() - offset))

    assert (await asked(pages, token))[:2] == [(200, account.email), (403, "step_up_required")]
