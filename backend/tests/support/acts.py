"""What a caller does, one call each, and everything that may have changed by it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
from sqlalchemy import select

from focys.infra.db.database import metadata
from tests.support import new_phone
from tests.support.attempts import (
    at_enrollment,
    at_mailed_code,
    confirm,
    enter_mailed_code,
    use_backup_code,
    wrong_code,
    wrong_mailed_code,
)
from tests.support.new_phone import with_a_factor_of_choice
from tests.support.service import Account, Browser, World

Act = Callable[[World, Account, Browser], Awaitable[httpx.Response]]

# Counters of tries are charged before anything is looked at, and stay charged: that is their purpose.
COUNTERS = {"throttles"}
# Shows only that something was charged; the charge itself is a separate row.
COUNTED = {"charge_seq"}
# The charge of an attempt before anything is compared; it stays if the verdict cannot be written.
LEDGERS = {"second_factor_failures", "email_code_failures"}
TRIES = {"code_tries"}


async def state_of(world: World, *, charges: bool = True) -> dict[str, list[str]]:
    """Everything in the database except the counters; optionally without the attempts' charges."""
    # The mail deliverer's background work is not part of any act.
    await world.deliver()
    tables = COUNTERS if charges else COUNTERS | LEDGERS
    columns = COUNTED if charges else COUNTED | TRIES
    return {
        table.name: sorted(
            str(row)
            for row in await world.services.database.rows(select(*(c for c in table.c if c.name not in columns)))
        )
        for table in metadata.sorted_tables
        if table.name not in tables
    }


async def charges_of(world: World) -> dict[str, int]:
    """How many failures each ledger holds, and how many wrong codes the logins in progress were charged."""
    database = world.services.database
    counted = {name: len(await database.rows(select(metadata.tables[name]))) for name in sorted(LEDGERS)}
    logins = metadata.tables["pending_logins"].c
    tries = await database.rows(select(logins.code_tries).where(logins.consumed_at.is_(None)))
    return {**counted, "code_tries": sum(row.code_tries for row in tries)}


async def password(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.sign_in_with_password(account)


async def wrong_password(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.post("/auth/login", {"email": account.email, "password": "wrong"})


async def totp(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.offer(account.code(world.clock))


async def wrong_totp(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.offer(wrong_code(account, world))


async def backup_code(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await use_backup_code(browser, account.backup_codes[0])


async def replace_codes(world: World, account: Account, browser: Browser) -> httpx.Response:
    session = (await browser.post("/auth/refresh")).json()
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    return await browser.post(
        "/auth/backup-codes/renew", {"set": session["user"]["backup_codes_unsaved"]}, headers=headers
    )


async def step_up(world: World, account: Account, browser: Browser) -> httpx.Response:
    body = {"code": account.code(world.clock)}
    return await browser.post("/auth/step-up", body, headers=await authorization(browser))


async def new_codes(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.post("/account/backup-codes", headers=await authorization(browser))


async def check_code(world: World, account: Account, browser: Browser) -> httpx.Response:
    body = {"code": account.backup_codes[0]}
    return await browser.post("/account/backup-codes/check", body, headers=await authorization(browser))


async def change_password(world: World, account: Account, browser: Browser) -> httpx.Response:
    body = {"current_password": account.password, "new_password": "violet-quarry-tandem-77"}
    return await browser.post("/account/password", body, headers=await authorization(browser))


async def authorization(browser: Browser) -> dict[str, str]:
    """The header of a browser that is signed in."""
    return {"Authorization": f"Bearer {(await browser.post('/auth/refresh')).json()['access_token']}"}


async def end_session(world: World, account: Account, browser: Browser) -> httpx.Response:
    session = (await browser.post("/auth/refresh")).json()
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    sessions = (await browser.get("/account/sessions", headers=headers)).json()["sessions"]
    return await browser.http.delete(f"/account/sessions/{sessions[-1]['id']}", headers=headers)


async def end_other_sessions(world: World, account: Account, browser: Browser) -> httpx.Response:
    session = (await browser.post("/auth/refresh")).json()
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    return await browser.post("/account/sessions/end-others", headers=headers)


async def refresh(world: World, account: Account, browser: Browser) -> httpx.Response:
    world.clock.advance(minutes=1)
    return await browser.post("/auth/refresh")


async def logout(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.post("/auth/logout")


async def cancel(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.http.delete("/auth/login")


async def bypassed(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.sign_in_with_password(account)


async def email_code(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await enter_mailed_code(browser, await world.emailed_code(account))


async def wrong_email_code(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await enter_mailed_code(browser, wrong_mailed_code(world, account))


async def resend(world: World, account: Account, browser: Browser) -> httpx.Response:
    world.clock.advance(seconds=61)
    return await browser.post("/auth/email-code/resend")


async def start_enrollment(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.post("/auth/mfa/enroll")


async def restart_enrollment(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.post("/auth/mfa/enroll", {"restart": True})


async def replace_phone(world: World, account: Account, browser: Browser) -> httpx.Response:
    token, new = await _new_phone(account, browser)
    return await new_phone.confirm(browser, token, new.code(world.clock))


async def wrong_new_code(world: World, account: Account, browser: Browser) -> httpx.Response:
    token, new = await _new_phone(account, browser)
    return await new_phone.confirm(browser, token, wrong_code(new, world))


async def turn_off(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await new_phone.turn_off(browser, await _token(browser))


async def _new_phone(account: Account, browser: Browser) -> tuple[str, Account]:
    """The browser's access token, and the account with the authenticator that its session sets up."""
    token = await _token(browser)
    secret = (await new_phone.show(browser, token)).json()["secret"]
    return token, replace(account, secret=secret)


async def _token(browser: Browser) -> str:
    return str((await browser.post("/auth/refresh")).json()["access_token"])


async def first_totp(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await confirm(browser, account.code(world.clock))


async def enroll_out_of_turn(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.post("/auth/mfa/enroll")


CHARGES: dict[Act, dict[str, int]] = {
    totp: {"second_factor_failures": 1},
    wrong_totp: {"second_factor_failures": 1},
    backup_code: {"second_factor_failures": 1},
    step_up: {"second_factor_failures": 1},
    check_code: {"second_factor_failures": 1},
    email_code: {"email_code_failures": 1, "code_tries": 1},
    wrong_email_code: {"email_code_failures": 1, "code_tries": 1},
    first_totp: {"code_tries": 1},
    replace_phone: {"code_tries": 1},
    wrong_new_code: {"code_tries": 1},
}
"""The charges of an act before anything is compared."""


def with_charge(charges: dict[str, int], act: Act) -> dict[str, int]:
    """The charges after an act that was charged and had no other effect."""
    return {name: number + CHARGES.get(act, {}).get(name, 0) for name, number in charges.items()}


async def ready_for(world: World, act: Act) -> tuple[Account, Browser]:
    """An account and a browser where an act is possible, with all emails sent."""
    is_new = act in {email_code, wrong_email_code, resend, start_enrollment, restart_enrollment, first_totp}
    is_own_choice = act is turn_off
    account = await (with_a_factor_of_choice(world) if is_own_choice else world.an_account(enrolled=not is_new))
    if act in {restart_enrollment, first_totp}:
        browser = await at_enrollment(world, account)
    elif is_new:
        browser = await at_mailed_code(world, account)
        if act is start_enrollment:
            await enter_mailed_code(browser, world.mail.last_code(account.email))
    else:
        browser, _ = await world.signed_in(account)
        await world.at_second_factor(account, browser)
        if act in {replace_phone, wrong_new_code}:
            await _new_phone(account, browser)
    await world.deliver()
    return account, browser
