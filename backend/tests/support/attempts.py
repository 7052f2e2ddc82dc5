"""Guesses: codes that are certainly wrong, and failures up to any rung of the ladder."""

import math
from datetime import timedelta
from functools import partial
from uuid import uuid4

import httpx
import pyotp

from focys.features.lockout import second_factor_failures
from focys.infra.db.database import Change
from tests.support.service import Account, Browser, World
from tests.support.walk import reach_enrollment

WRONG_BACKUP_CODE = "0000-0000-0000-0000"


def wrong_code(account: Account, world: World) -> str:
    """Six digits that are none of the account's codes of the next and the last ten minutes."""
    assert account.secret is not None
    generator, now = pyotp.HOTP(account.secret), int(world.clock.now().timestamp()) // 30
    near = {generator.at(step) for step in range(now - 20, now + 21)}
    return next(code for code in (f"{number:06d}" for number in range(100)) if code not in near)


def wrong_mailed_code(world: World, account: Account) -> str:
    """Six digits, or sixteen characters, that are not the code last mailed."""
    code = world.mail.last_code(account.email)
    return ("1" if code[0] == "0" else "0") + code[1:]


async def fail(world: World, account: Account, times: int, browser: Browser | None = None) -> Browser:
    """Offer so many wrong codes, each as soon as the account takes one; return the browser that did."""
    browser = await world.at_second_factor(account, browser)
    for _ in range(times):
        await wait_until_open(world, account, browser)
        response = await offer_wrong(world, account, browser)
        assert response.json()["code"] in {"invalid_code", "account_locked"}, response.text
    return browser


async def strangers_failed(
    world: World, account: Account, times: int, *, ago: timedelta, strong: bool = False, network: str = "203.0.113.99"
) -> None:
    """Record failures of strangers as the service would have, without the waiting in between.

    *strong* ones are pairs and backup codes that failed while single codes were refused.
    """
    row = {"user_id": account.id, "browser_id": None, "at": world.clock.now() - ago, "strong": strong}
    rows = [{**row, "id": uuid4(), "login_id": uuid4(), "network": network} for _ in range(times)]
    await world.services.database.write(*(Change(second_factor_failures, values) for values in rows))


async def offer_wrong(world: World, account: Account, browser: Browser) -> httpx.Response:
    """One wrong code; a pair of them where the account is guarded."""
    wrong = wrong_code(account, world)
    is_guarded = (await browser.get("/auth/login")).json().get("guarded")
    return await browser.post("/auth/totp/verify", {"codes": [wrong, wrong]} if is_guarded else {"code": wrong})


async def wait_until_open(world: World, account: Account, browser: Browser) -> None:
    """Let the time of a lock pass, and begin the sign-in again where it ran out meanwhile."""
    state = (await browser.get("/auth/login")).json()
    if state.get("retry_after"):
        world.clock.advance(seconds=math.ceil(state["retry_after"]))
    if (await browser.get("/auth/login")).status_code != httpx.codes.OK:
        await world.at_second_factor(account, browser)


async def at_mailed_code(world: World, account: Account, browser: Browser | None = None) -> Browser:
    """A browser whose login waits for the mailed code, which has left."""
    browser = browser or world.a_browser()
    response = await browser.sign_in_with_password(account)
    assert response.json()["step"] == "email_code", response.text
    await world.deliver()
    return browser


async def enter_mailed_code(browser: Browser, code: str) -> httpx.Response:
    return await browser.post("/auth/email-code/verify", {"code": code})


async def at_enrollment(world: World, account: Account, browser: Browser | None = None) -> Browser:
    """A browser whose login is about to show the QR code; the account holds the pending secret."""
    browser = browser or world.a_browser()
    await reach_enrollment(browser.post, account, partial(world.emailed_code, account))
    return browser


async def confirm(browser: Browser, code: str) -> httpx.Response:
    return await browser.post("/auth/mfa/confirm", {"code": code})


async def use_backup_code(browser: Browser, code: str) -> httpx.Response:
    return await browser.post("/auth/backup-code/verify", {"code": code})


def pair(account: Account, world: World, newest: int = 0) -> dict[str, list[str]]:
    return {"codes": [account.code(world.clock, newest - 1), account.code(world.clock, newest)]}


async def offer_pair(browser: Browser, codes: dict[str, list[str]]) -> httpx.Response:
    return await browser.post("/auth/totp/verify", codes)
