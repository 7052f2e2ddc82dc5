"""The password step: alike for all addresses, and bearable under load."""

import pytest

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
async def test_unknown_disabled_and_wrong_get_the_same_response_and_work(
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
            response = await browser.post("/auth/login", {"email": address, "password": password or alice.password})
        headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
        told[case] = (response.status_code, response.content, headers, tuple(heard), len(computed))
        computed.clear()

    assert told["wrong"][0] == 401
    assert told["wrong"][-1] == 1
    assert all(case == told["wrong"] for case in told.values())


async def test_unknown_and_known_addresses_are_throttled_alike(world: World):
    alice = await world.an_account()
    bodies = []
    for address in (alice.email, "nobody@student.com"):
        for _ in range(6):
            response = await world.a_browser().post("/auth/login", {"email": address, "password": WRONG})
        bodies.append((response.status_code, response.content, response.headers["Retry-After"]))

    assert bodies[0] == bodies[1]
    assert bodies[0][0] == 429


async def test_the_dummy_hash_has_current_parameters(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch):
    """PWD-09: what an unknown address costs follows the settings."""
    async with make_world(password_hash_memory_kib=20 * 1024, password_hash_passes=3) as world:
        compared = record_comparisons(monkeypatch)

        await world.a_browser().post("/auth/login", {"email": "nobody@student.com", "password": WRONG})

        [(dummy, _)] = compared
        assert not world.services.hasher.is_outdated(dummy)
