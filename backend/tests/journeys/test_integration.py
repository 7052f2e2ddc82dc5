"""docs/INTEGRATION.md: an application in front of which FOCYS stands, with the backend of its example as it stands there."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.deploy.shipped import ROOT
from tests.support.service import Browser, World

PAGE = (ROOT / "docs" / "INTEGRATION.md").read_text()
[EXAMPLE] = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def the_application(focys: httpx.AsyncClient) -> FastAPI:
    """The example, which calls FOCYS through the client of the test."""
    namespace: dict[str, Any] = {}
    exec(compile(EXAMPLE, "INTEGRATION.md", "exec"), namespace)
    assert namespace["focys"].base_url == "https://login.example.com/api/"
    namespace["focys"] = focys
    application: FastAPI = namespace["app"]
    return application


def orders_of(application: FastAPI, token: str | None) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return Browser(application).get("/orders", headers=headers)


async def test_an_application_serves_signed_in_users(world: World):
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)
    application = the_application(browser.http)

    served = await orders_of(application, token)

    assert (served.status_code, served.json()) == (200, {"orders_of": str(account.id)})


@pytest.mark.parametrize("token", [None, "", "not.a.token"])
async def test_an_application_refuses_everyone_else(world: World, token: str | None):
    refused = await orders_of(the_application(world.a_browser().http), token)

    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"


async def test_an_application_refuses_a_token_once_its_session_has_ended(world: World):
    browser, token = await world.signed_in(await world.an_account(enrolled=True))
    application = the_application(browser.http)
    before = await orders_of(application, token)

    await browser.post("/auth/logout")
    after = await orders_of(application, token)

    assert (before.status_code, after.status_code) == (200, 401)


@pytest.mark.parametrize("trouble", ["away", "failing"])
async def test_an_application_serves_nobody_while_focys_is_down(trouble: str):
    def response(request: httpx.Request) -> httpx.Response:
        if trouble == "away":
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(500)

    focys = httpx.AsyncClient(transport=httpx.MockTransport(response), base_url="http://focys.invalid")

    refused = await orders_of(the_application(focys), "a-token")

    assert refused.status_code == 503


async def test_the_page_documents_every_field_of_me(world: World):
    browser, token = await world.signed_in(await world.an_account(enrolled=True))

    told = (await browser.me(token)).json()

    _, table = PAGE.split("`GET /auth/me` returns:")
    rows = re.findall(r"^\| (`[^|]+) \|", table, flags=re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(told)
