"""Many people share one address: those who mistype get in, sprayers do not, and an own network has room for all."""

from asyncio import gather
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conftest import MakeWorld
from tests.features.lockout.test_wrong_passwords import guess, told
from tests.support.service import Account, World
from tests.support.valkey import ValkeyServer, keys_in, running_valkey

SCHOOL = "203.0.113.7"


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(params=["database", "memory", "valkey"])
async def world(request: pytest.FixtureRequest, make_world: MakeWorld, valkey: ValkeyServer) -> AsyncIterator[World]:
    """The service, with the networks counted in each of the three places."""
    valkey.ask("FLUSHALL")
    storage = {"database": "database", "memory": "memory://", "valkey": valkey.url}[request.param]
    async with make_world(rate_limit_storage=storage) as world:
        yield world


async def people_of(world: World, number: int) -> list[Account]:
    """This many people with an account, all with the same password."""
    return [await world.an_account(f"pupil{i}@student.com") for i in range(number)]


def let_pass(world: World, valkey: ValkeyServer, minutes: int) -> None:
    """Let time pass; Valkey's own clock cannot be moved, but the end of each window can."""
    world.clock.advance(minutes=minutes)
    for key in keys_in(valkey):
        if minutes >= (15 if "passwords" in key else 60):
            valkey.ask(f"PEXPIREAT {key} 1")


async def test_thirty_people_who_mistype_once_all_sign_in(world: World):
    """LOCK-10: a right password removes its account and its failures from the network's counts."""
    for pupil in await people_of(world, 30):
        wrong = await guess(world.a_browser(SCHOOL), pupil.email)
        right = await world.a_browser(SCHOOL).sign_in_with_password(pupil)

        assert told(wrong) == ("invalid_credentials", 0), pupil.email
        assert right.json()["step"] == "email_code", pupil.email


async def test_twenty_people_who_mistype_first_all_sign_in(world: World, valkey: ValkeyServer):
    """LOCK-10: a full set stops nobody who is in it."""
    pupils = await people_of(world, 20)
    for pupil in pupils:
        await guess(world.a_browser(SCHOOL), pupil.email)
    assert told(await guess(world.a_browser(SCHOOL), "another@student.com"))[0] == "throttled"

    for pupil in pupils[:10]:
        assert told(await guess(world.a_browser(SCHOOL), pupil.email))[0] == "invalid_credentials"
    let_pass(world, valkey, 15)
    for pupil in pupils:
        assert (await world.a_browser(SCHOOL).sign_in_with_password(pupil)).json()["step"] == "email_code"

    assert told(await guess(world.a_browser(SCHOOL), "another@student.com"))[0] == "invalid_credentials"


async def test_a_class_signing_in_at_once_waits_one_second_at_most(world: World):
    """LOCK-10: places are free again as soon as earlier passwords turn out to be right."""
    pupils = await people_of(world, 30)

    responses = await gather(*(world.a_browser(SCHOOL).sign_in_with_password(pupil) for pupil in pupils))
    late = [(pupil, response) for pupil, response in zip(pupils, responses, strict=True) if response.status_code != 200]
    again = [await world.a_browser(SCHOOL).sign_in_with_password(pupil) for pupil, _ in late]

    assert {told(response) for _, response in late} <= {("throttled", 1)}
    assert {response.status_code for response in again} <= {200}


async def test_signing_in_to_ones_own_account_allows_no_more_guesses(world: World, valkey: ValkeyServer):
    """LOCK-10: a success clears only that account's failures."""
    own = await world.an_account("mallory@student.com")
    for i in range(20):
        assert told(await guess(world.a_browser(SCHOOL), f"user{i}@student.com"))[0] == "invalid_credentials"

    crowded_out = await world.a_browser(SCHOOL).sign_in_with_password(own)
    let_pass(world, valkey, 60)
    for i in range(30):
        if i % 3 == 0:
            assert (await world.a_browser(SCHOOL).sign_in_with_password(own)).status_code == 200
        assert told(await guess(world.a_browser(SCHOOL), f"user{i % 15}@student.com"))[0] == "invalid_credentials", i

    assert told(crowded_out)[1] == pytest.approx(3600, abs=5)
    code, wait = told(await guess(world.a_browser(SCHOOL), "user1@student.com"))
    assert code == "throttled"
    assert wait == pytest.approx(900, abs=5)


async def test_a_known_browser_is_not_limited_by_its_network(world: World):
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account, world.a_browser(SCHOOL))
    for i in range(20):
        await guess(world.a_browser(SCHOOL), f"user{i}@student.com")

    assert told(await world.a_browser(SCHOOL).sign_in_with_password(account))[0] == "throttled"
    assert (await owner.sign_in_with_password(account)).json()["step"] == "totp"


async def test_an_own_network_has_its_own_limits(make_world: MakeWorld):
    """LOCK-10: OWN_NETWORKS."""
    limits = {
        "network_password_failures": 4,
        "network_accounts": 2,
        "own_network_password_failures": 9,
        "own_network_accounts": 8,
    }
    async with make_world(own_networks="203.0.113.0/24,2001:db8:1::/48", **limits) as world:

        async def compared_from(source: str, accounts: int) -> int:
            responses = [
                await guess(world.a_browser(source), f"{source[-1]}{i % accounts}@student.com") for i in range(12)
            ]
            return [told(response)[0] for response in responses].count("invalid_credentials")

        assert await compared_from("203.0.113.1", 12) == 8
        assert await compared_from("203.0.113.2", 4) == 9
        assert await compared_from("2001:db8:1:2::3", 12) == 8
        assert await compared_from("198.51.100.4", 12) == 2
        assert await compared_from("198.51.100.5", 2) == 4
        assert await compared_from("2001:db8:2:2::6", 12) == 2
