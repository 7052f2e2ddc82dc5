"""One password tried on many accounts, from so many addresses that no limit trips, shows up in one metric."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from focys.features.rate_limits import throttles
from focys.features.throttling import FEATURE
from focys.infra.db.database import Change
from tests.conftest import MakeWorld
from tests.features.lockout.test_wrong_passwords import guess, told
from tests.support.gauges import read_gauges
from tests.support.service import World


async def seen(world: World) -> float:
    """The value in /metrics once it is read."""
    return (await read_gauges(world, FEATURE)).of("focys_spray_accounts")


async def spray(world: World, accounts: Iterable[int], network: str = "203.0.113", addresses: int = 60) -> None:
    """Try one wrong password on each account, from the addresses of a /24 in turn."""
    for i in accounts:
        response = await guess(world.a_browser(f"{network}.{i % addresses}"), f"person{i}@student.com", "Autumn2026!")
        assert told(response) == ("invalid_credentials", 0)


async def test_spraying_from_sixty_addresses_is_detected(world: World):
    """LOG-06: two accounts per address, one wrong password each: no limit of a network is near."""
    before = await seen(world)

    await spray(world, range(120))

    assert (before, await seen(world)) == (0, 120)
    assert (await world.services.networks.list_near_limit()) == []


async def test_spraying_is_reported_for_an_hour(world: World):
    await spray(world, range(10))
    world.clock.advance(minutes=59)
    await spray(world, range(5, 15))
    soon = await seen(world)

    world.clock.advance(minutes=2)
    later = await seen(world)
    world.clock.advance(hours=1)

    assert (soon, later, await seen(world)) == (15, 10, 0)


async def test_signing_in_is_not_spraying(world: World):
    """A right password leaves no trace, and a mistyped one is one account however often."""
    for i in range(3):
        await world.an_account(f"p{i}@student.com", enrolled=True)
        world.clock.advance(minutes=1)
    for _ in range(3):
        await guess(world.a_browser("192.0.2.1"), "p0@student.com")

    assert await seen(world) == 1


async def test_wrong_passwords_in_known_browsers_are_not_counted(world: World):
    owner, _ = await world.signed_in(await world.an_account(enrolled=True))
    await guess(owner)

    assert await seen(world) == 0


async def test_an_own_network_is_left_out(make_world: MakeWorld):
    """Many people mistype there in the same hour."""
    async with make_world(own_networks="203.0.113.0/26") as world:
        await spray(world, range(30), addresses=64)
        await spray(world, range(4), network="198.51.100")

        assert await seen(world) == 4


@pytest.mark.parametrize("storage", ["memory://", "redis://127.0.0.1:9/0"])
async def test_spraying_is_detected_with_every_storage(make_world: MakeWorld, storage: str):
    async with make_world(rate_limit_storage=storage) as world:
        await spray(world, range(12))

        assert await seen(world) == 12


async def test_the_query_for_spraying_is_bounded(world: World):
    """However many buckets there are, only the newest are read, through an index."""
    now, database = world.clock.now(), world.services.database
    for start in range(0, 6000, 500):
        changes = []
        for i in range(start, start + 500):
            at = now - timedelta(seconds=i / 2)
            row = {"hits": 1, "last_at": at, "expires_at": at + timedelta(hours=24)}
            changes.append(Change(throttles, {"key": f"password:{i:032x}:203.0.113.7", **row}))
        await database.write(*changes)

    assert await seen(world) == 5000
    assert [index.name for index in throttles.indexes if "expires_at" in index.columns] == ["ix_throttles_expires_at"]
