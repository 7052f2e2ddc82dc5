"""Use of refresh tokens from any browser."""

from typing import Any

import httpx

from tests.support.jar import REFRESH
from tests.support.service import Account, World


async def present(world: World, token: str) -> httpx.Response:
    """Use a refresh token from a browser that holds nothing else."""
    cookie = f"{REFRESH}={token}".encode("latin-1")
    return await world.a_browser().post("/auth/refresh", headers=[(b"Cookie", cookie)])


async def a_session(world: World, **account: Any) -> tuple[Account, str, str]:
    """An account with one signed-in browser, its refresh and its access token."""
    person = await world.an_account(enrolled=True, **account)
    browser, access = await world.signed_in(person)
    return person, browser.http.cookies[REFRESH], access
