"""A new authenticator for someone who is signed in."""

import httpx

from tests.support.service import Account, Browser, World


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def show(browser: Browser, token: str, *, restart: bool = False) -> httpx.Response:
    return await browser.post("/account/authenticator", {"restart": restart}, headers=bearer(token))


async def confirm(browser: Browser, token: str, code: str) -> httpx.Response:
    return await browser.post("/account/authenticator/confirm", {"code": code}, headers=bearer(token))


async def turn_off(browser: Browser, token: str) -> httpx.Response:
    return await browser.http.delete("/account/authenticator", headers=bearer(token))


async def with_a_factor_of_choice(world: World) -> Account:
    """An account that has added a second step by itself, where none is required."""
    account, browser = await world.an_account(), world.a_browser("198.51.100.7")
    token = (await browser.sign_in_with_password(account)).json()["access_token"]
    account.secret = (await show(browser, token)).json()["secret"]
    confirmed = await confirm(browser, token, account.code(world.clock))
    account.backup_codes = tuple(confirmed.json()["backup_codes"])
    await world.deliver()
    world.clock.advance(seconds=30)
    return account
