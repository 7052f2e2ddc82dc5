"""Attempts are charged before anything is compared, and strangers' charges never make the owner's attempt fail."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httpx
import pytest

from focys.domain import totp
from focys.features.accounts import users
from focys.features.audit import audit_events
from focys.features.backup_codes import BackupCodeFactor
from focys.features.email_code import email_code_failures
from focys.features.lockout import second_factor_failures
from focys.features.login import pending_logins
from focys.features.sessions import sessions
from focys.features.totp import TotpFactor
from tests.support.attempts import (
    WRONG_BACKUP_CODE,
    at_mailed_code,
    enter_mailed_code,
    offer_pair,
    offer_wrong,
    pair,
    use_backup_code,
    wrong_code,
    wrong_mailed_code,
)
from tests.support.rows import allow_rows, count_of, execute, refuse_rows, rows_of
from tests.support.service import Account, Browser, World

Offer = Callable[[World, Account, Browser], Awaitable[httpx.Response]]


async def right(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await browser.offer(account.code(world.clock))


async def right_pair(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await offer_pair(browser, pair(account, world))


async def wrong_pair(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await offer_pair(browser, {"codes": [wrong_code(account, world)] * 2})


async def backup_code(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await use_backup_code(browser, account.backup_codes[0])


async def wrong_backup_code(world: World, account: Account, browser: Browser) -> httpx.Response:
    return await use_backup_code(browser, WRONG_BACKUP_CODE)


OFFERS: tuple[Offer, ...] = (right, offer_wrong, right_pair, wrong_pair, backup_code, wrong_backup_code)


@pytest.fixture
def compared(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was compared during the test, with an authenticator's secret or with hashes."""
    compared: list[str] = []

    def noted(name: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        compared.append(name)
        return function(*arguments, **options)

    for module, name in ((totp, "examine"), (totp, "examine_pair"), (world.services.hasher, "find_in_set")):
        monkeypatch.setattr(module, name, partial(noted, name, getattr(module, name)))
    return compared


@pytest.mark.parametrize("offer", OFFERS)
async def test_no_charge_no_comparison(world: World, compared: list[str], offer: Offer):
    """LOCK-02: otherwise guessing would be free while the table of failures cannot be written."""
    account = await world.an_account(enrolled=True)
    browser, before = await world.at_second_factor(account), await count_of(world, sessions)
    world.clock.advance(seconds=30)
    await refuse_rows(world, second_factor_failures)
    compared.clear()

    response = await offer(world, account, browser)

    assert response.status_code in {500, 503}
    assert compared == []
    assert await count_of(world, sessions) == before
    await allow_rows(world, second_factor_failures)
    assert (await browser.get("/auth/login")).json()["tries_left"] == 5
    assert (await right(world, account, browser)).status_code == 200
    assert compared


@pytest.mark.parametrize("is_right", [True, False])
async def test_no_charge_no_comparison_of_an_emailed_code(world: World, *, is_right: bool):
    account = await world.an_account()
    browser = await at_mailed_code(world, account)
    code = world.mail.last_code(account.email)
    await refuse_rows(world, email_code_failures)

    response = await enter_mailed_code(browser, code if is_right else wrong_mailed_code(world, account))

    assert response.status_code in {500, 503}
    assert [(row.step, row.code_tries) for row in await rows_of(world, pending_logins)] == [("email_code", 0)]
    await allow_rows(world, email_code_failures)
    assert (await enter_mailed_code(browser, code)).json()["step"] == "enroll"


async def version_of(world: World) -> int:
    return int((await rows_of(world, users))[0].attempt_seq)


async def test_only_a_success_changes_the_attempt_version(world: World):
    """LOCK-02, AVL-08: a sign-in does."""
    account = await world.an_account(enrolled=True)
    before, stranger = await version_of(world), world.a_browser("203.0.113.5")

    for _ in range(3):
        await world.at_second_factor(account, stranger)
        await stranger.http.delete("/auth/login")
    await world.at_second_factor(account, stranger)
    for offer in (offer_wrong, wrong_pair, wrong_backup_code):
        await offer(world, account, stranger)

    assert await version_of(world) == before
    assert (await right(world, account, stranger)).status_code == 200
    assert await version_of(world) == before + 1


@pytest.mark.parametrize("offer", [right, backup_code])
async def test_a_stranger_who_starts_and_cancels_cannot_fail_the_owners_attempt(
    world: World, monkeypatch: pytest.MonkeyPatch, offer: Offer
):
    """AVL-08: a stranger always starts a sign-in between the attempt's read and its write."""
    account = await world.an_account(enrolled=True)
    owner, stranger = await world.at_second_factor(account), world.a_browser("203.0.113.5")
    write, starts, is_the_strangers = world.services.database.write, 0, False

    async def write_after_a_stranger(*changes: Any, **guard: Any) -> bool:
        nonlocal starts, is_the_strangers
        if not is_the_strangers:
            is_the_strangers = True
            await stranger.sign_in_with_password(account)
            await stranger.http.delete("/auth/login")
            starts, is_the_strangers = starts + 1, False
        return await write(*changes, **guard)

    monkeypatch.setattr(world.services.database, "write", write_after_a_stranger)
    response = await offer(world, account, owner)

    assert starts
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("offer", OFFERS)
async def test_an_attempt_whose_charge_was_lost_reveals_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, offer: Offer
):
    """LOCK-02: PostgreSQL crashes between charge and verdict, and comes back without the charge."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    world.clock.advance(seconds=30)
    before = [await count_of(world, table) for table in (sessions, audit_events)]

    def losing(verify: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def verify_and_lose(*arguments: Any) -> Any:
            verdict = await verify(*arguments)
            await execute(world, "DELETE FROM second_factor_failures")
            return verdict

        return verify_and_lose

    for factor in (TotpFactor, BackupCodeFactor):
        monkeypatch.setattr(factor, "verify", losing(factor.verify))
    response = await offer(world, account, browser)

    assert (response.status_code, response.json()["code"], response.json()["retry_after"]) == (429, "throttled", 1)
    assert [await count_of(world, table) for table in (sessions, audit_events)] == before
