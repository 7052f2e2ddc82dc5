"""Cookies that only our own page's requests carry, and that no script reads."""

from functools import partial
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from tests.conftest import MakeWorld, world_on
from tests.support.service import Browser, World
from tests.support.walk import enroll

PUBLIC = "https://login.example.com"


def cookies_of(response: httpx.Response) -> dict[str, dict[str, Any]]:
    """The attributes of each cookie a response sets."""
    jar: SimpleCookie = SimpleCookie()
    for line in response.headers.get_list("Set-Cookie"):
        jar.load(line)
    return {name: {key: value for key, value in morsel.items() if value} for name, morsel in jar.items()}


async def walk(world: World, browser: Browser) -> list[httpx.Response]:
    """Every response that sets or clears a cookie, in the order of a caller's life."""
    account = await world.an_account()
    begun, proven, _, done = await enroll(
        browser.post, account, partial(world.emailed_code, account), lambda: world.clock.now().timestamp()
    )
    responses = [begun, proven, done]
    responses.append(await browser.post("/auth/refresh"))
    responses.append(await browser.post("/auth/logout"))
    responses.append(await browser.sign_in_with_password(account))
    responses.append(await browser.http.delete("/auth/login"))
    for response in responses:
        assert response.is_success, response.text
    return responses


async def test_every_cookie_has_the_host_prefix_under_https(sqlite_url: str):
    async with world_on(sqlite_url, public_url=PUBLIC) as world:
        responses = await walk(world, Browser(world.app, base_url=PUBLIC))

    seen = [(name, fields) for response in responses for name, fields in cookies_of(response).items()]
    assert {name for name, _ in seen} == {"__Host-focys_login", "__Host-focys_refresh", "__Host-focys_browser"}
    for name, fields in seen:
        assert fields["path"] == "/", name
        assert fields["secure"] is True, name
        assert fields["httponly"] is True, name
        assert fields["samesite"] == "strict", name
        assert "domain" not in fields, name
        assert "max-age" in fields, name


async def test_cookies_on_localhost_lack_only_prefix_and_secure(sqlite_url: str):
    """WEB-01: browsers would drop them there."""
    async with world_on(sqlite_url) as world:
        responses = await walk(world, world.a_browser())

    seen = [(name, fields) for response in responses for name, fields in cookies_of(response).items()]
    assert {name for name, _ in seen} == {"focys_login", "focys_refresh", "focys_browser"}
    assert all(fields["httponly"] is True and fields["samesite"] == "strict" for _, fields in seen)
    assert not any("secure" in fields or "domain" in fields for _, fields in seen)


async def test_a_cookie_without_the_prefix_is_ignored_under_https(sqlite_url: str):
    """WEB-01: a sibling domain can plant a plain cookie, but never one with the prefix."""
    async with world_on(sqlite_url, public_url=PUBLIC) as world:
        account = await world.an_account()
        browser = Browser(world.app, base_url=PUBLIC)
        await browser.sign_in_with_password(account)
        login_token = browser.http.cookies["__Host-focys_login"]

        planted = Browser(world.app, base_url=PUBLIC)
        response = await planted.get("/auth/login", headers={"Cookie": f"focys_login={login_token}"})

        assert (await browser.get("/auth/login")).status_code == 200
        assert response.json()["code"] == "login_expired"


async def test_each_cookie_expires_with_its_credential(sqlite_url: str):
    async with world_on(sqlite_url) as world:
        responses = [cookies_of(response) for response in await walk(world, world.a_browser())]

    password, mailbox, done, refreshed, signed_out, _, canceled = responses
    assert password["focys_login"]["max-age"] == "300"
    assert mailbox["focys_login"]["max-age"] == "900"
    assert done["focys_login"]["max-age"] == "0"
    assert done["focys_refresh"]["max-age"] == refreshed["focys_refresh"]["max-age"] == str(7 * 86400)
    assert int(done["focys_browser"]["max-age"]) == 400 * 86400
    assert signed_out["focys_refresh"]["max-age"] == "0"
    assert canceled["focys_login"]["max-age"] == "0"


async def test_no_cookie_value_is_repeated_in_a_body(make_world: MakeWorld):
    """WEB-02, FLOW-05: scripts get the access token only, and before the last step nothing at all."""
    async with make_world() as world:
        browser = world.a_browser()
        responses = await walk(world, browser)

        secrets = {value for response in responses for value in _values(response)}
        assert len(secrets) >= 5
        assert not any(secret in response.text for response in responses for secret in secrets)
        assert [("access_token" in response.text) for response in responses] == [
            False,
            False,
            True,
            True,
            False,
            False,
            False,
        ]


def _values(response: httpx.Response) -> set[str]:
    jar: SimpleCookie = SimpleCookie()
    for line in response.headers.get_list("Set-Cookie"):
        jar.load(line)
    return {morsel.value for morsel in jar.values() if morsel.value}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_reading_sets_no_cookie(lone_world: World, method: str):
    """FLOW-11: a caller who has not typed a password is followed by nothing."""
    browser = lone_world.a_browser()

    responses = [await browser.get("/auth/status"), await browser.get("/auth/login"), await browser.get("/auth/me")]
    if method == "POST":
        responses = [await browser.post("/auth/login", {"email": "a@b.test", "password": "wrong"})]

    assert not any("Set-Cookie" in response.headers for response in responses)
