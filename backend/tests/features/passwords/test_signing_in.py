"""The password step: alike for all addresses, and bearable under load."""

import asyncio
import threading
import time
from collections import Counter

import httpx
import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from tests.conftest import MakeWorld
from tests.support.hashing import record_comparisons
from tests.support.jar import KNOWN, put
from tests.support.service import OPERATOR, World
from tests.support.statements import statements_of

WRONG = "wrong-horse-battery-77"
CASES = {
    "wrong": ("alice@student.com", WRONG),
    "unknown": ("nobody@student.com", WRONG),
    "disabled": ("carol@student.com", WRONG),
    "disabled, right password": ("carol@student.com", None),
    "enrolled": ("bob@student.com", WRONG),
}


@pytest.mark.parametrize("cookie", ["none", "invented"])
async def test_unknown_disabled_and_wrong_are_one_answer_and_one_work(
    world: World, monkeypatch: pytest.MonkeyPatch, cookie: str
):
    """PWD-09: byte for byte, header for header, statement for statement, one Argon2id computation each."""
    # The deliverer works beside the requests, and would be heard too.
    world.services.outbox.stop()
    alice = await world.an_account()
    carol = await world.an_account("carol@student.com")
    await world.an_account("bob@student.com", enrolled=True)
    await world.services.accounts.set_disabled(carol.email, OPERATOR, disabled=True)
    computed, told = record_comparisons(monkeypatch), {}

    for network, (case, (address, password)) in enumerate(CASES.items()):
        browser = world.a_browser(f"203.0.113.{network}")
        if cookie == "invented":
            put(browser, "A" * 43, KNOWN)
        with statements_of(world.services.database) as heard:
            answer = await browser.post("/auth/login", {"email": address, "password": password or alice.password})
        headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        told[case] = (answer.status_code, answer.content, headers, tuple(heard), len(computed))
        computed.clear()

    assert told["wrong"][0] == 401
    assert told["wrong"][-1] == 1
    assert all(case == told["wrong"] for case in told.values())


async def test_unknown_and_known_addresses_are_throttled_in_one_answer(world: World):
    alice = await world.an_account()
    bodies = []
    for address in (alice.email, "nobody@student.com"):
        for _ in range(6):
            answer = await world.a_browser().post("/auth/login", {"email": address, "password": WRONG})
        bodies.append((answer.status_code, answer.content, answer.headers["Retry-After"]))

    assert bodies[0] == bodies[1]
    assert bodies[0][0] == 429


async def test_the_dummy_has_todays_parameters(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch):
    """PWD-09: what an unknown address costs follows the settings."""
    async with make_world(password_hash_memory_kib=20 * 1024, password_hash_passes=3) as world:
        compared = record_comparisons(monkeypatch)

        await world.a_browser().post("/auth/login", {"email": "nobody@student.com", "password": WRONG})

        [(dummy, _)] = compared
        assert not world.services.hasher.is_outdated(dummy)


async def test_two_hundred_parallel_sign_ins_are_bounded_and_the_rest_is_told_to_come_back(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
):
    """PWD-07: as many hashes at once as there are threads, a bounded queue, 503 with Retry-After, and a live service."""
    async with make_world(password_hash_threads=2, password_hash_queue=8) as world:
        running, most, lock = 0, 0, threading.Lock()

        def slow(_hasher: PasswordHasher, _stored: str, _typed: str) -> bool:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.25)
            with lock:
                running -= 1
            raise VerifyMismatchError

        monkeypatch.setattr(PasswordHasher, "verify", slow)

        async def sign_in(i: int) -> httpx.Response:
            browser = world.a_browser(f"10.0.{i // 250}.{i % 250}")
            answer: httpx.Response = await browser.post(
                "/auth/login", {"email": f"user{i}@student.com", "password": WRONG}
            )
            return answer

        async def slowest_look_at_health() -> float:
            slowest, browser = 0.0, world.a_browser()
            while not all(task.done() for task in tasks):
                began = time.perf_counter()
                assert (await browser.get("/health/live")).status_code == 200
                slowest = max(slowest, time.perf_counter() - began)
                await asyncio.sleep(0.02)
            return slowest

        tasks = [asyncio.ensure_future(sign_in(i)) for i in range(200)]
        slowest = await slowest_look_at_health()
        answers = [task.result() for task in tasks]

        told = Counter(answer.status_code for answer in answers)
        refused = [answer for answer in answers if answer.status_code == 503]
        assert set(told) == {401, 503}
        assert told[401] >= 10
        # Where the machine is slow, some wait in vain for a connection and are "unavailable" instead.
        assert {answer.json()["code"] for answer in refused} <= {"busy", "unavailable"}
        assert any(answer.json()["code"] == "busy" for answer in refused)
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
        assert most == 2
        assert slowest < 1


async def test_being_busy_is_nobodys_failure(world: World, monkeypatch: pytest.MonkeyPatch):
    """PWD-07, LOCK-09, LOCK-10: neither the account nor the network loses a try by it."""
    account = await world.an_account()
    browser = world.a_browser()

    monkeypatch.setattr(world.services.hasher, "_room", 0)
    for _ in range(40):
        busy = await browser.sign_in_with_password(account)
        assert (busy.status_code, busy.json()["code"], busy.headers["Retry-After"]) == (503, "busy", "2")
    monkeypatch.undo()

    for _ in range(5):
        wrong = await browser.post("/auth/login", {"email": account.email, "password": WRONG})
        assert wrong.json()["code"] == "invalid_credentials"
