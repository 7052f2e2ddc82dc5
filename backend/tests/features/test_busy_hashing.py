"""More passwords to hash than there is room for: a bounded number is hashed, and nobody is charged for the others."""

import asyncio
import threading
from asyncio import gather
from collections.abc import Awaitable, Callable

import httpx
import pytest
from argon2 import PasswordHasher

from focys.infra.crypto.hashing import BusyError, Hasher
from tests.support.attempts import use_backup_code
from tests.support.service import Account, Browser, World
from tests.support.waiting import until_it_holds

THREADS, QUEUE = 2, 3
Step = Callable[[Account, Browser], Awaitable[httpx.Response]]


async def test_hashes_are_computed_a_few_at_a_time_and_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """PWD-07: as many at once as there are threads, as many waiting as the queue holds, and the rest are refused."""
    hasher = Hasher(memory_kib=64, passes=1, threads=THREADS, queue=QUEUE)
    started, go_on, verify = list[int](), threading.Event(), PasswordHasher.verify

    def held(argon2: PasswordHasher, stored: str, password: str) -> bool:
        started.append(threading.get_ident())
        assert go_on.wait(timeout=60)
        return verify(argon2, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", held)
    hashing = [asyncio.create_task(hasher.verify(None, "a password")) for _ in range(40)]
    await until_it_holds(lambda: len(started) == THREADS)
    refused = [task for task in hashing if task.done()]
    go_on.set()
    outcomes = await gather(*hashing, return_exceptions=True)
    hasher.close()

    assert len(refused) == 40 - THREADS - QUEUE
    assert [type(outcome) for outcome in outcomes].count(BusyError) == len(refused)
    assert len(set(started)) == THREADS
    assert len(started) == THREADS + QUEUE


async def with_password(account: Account, browser: Browser) -> httpx.Response:
    return await browser.sign_in_with_password(account)


async def with_backup_code(account: Account, browser: Browser) -> httpx.Response:
    return await use_backup_code(browser, account.backup_codes[0])


@pytest.mark.parametrize("step", [with_password, with_backup_code])
async def test_a_busy_server_charges_no_attempt(world: World, monkeypatch: pytest.MonkeyPatch, step: Step):
    """PWD-07, LOCK-02, LOCK-09, LOCK-10: nothing was compared, so neither account nor network loses a try."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)

    async def busy(*_: object) -> None:
        raise BusyError

    with monkeypatch.context() as patch:
        for name in ("verify", "find_in_set"):
            patch.setattr(Hasher, name, busy)
        responses = [await step(account, browser) for _ in range(31)]

    assert {(response.status_code, response.json()["code"]) for response in responses} == {(503, "busy")}
    assert responses[0].headers["Retry-After"] == "2"
    assert (await browser.get("/auth/login")).json()["tries_left"] == 5
    assert (await step(account, browser)).status_code == 200
