"""Ten people who all seem to come from one inner address: the proxy is not trusted, and they share one limit."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest

from focys.features.sessions import FEATURE, sessions
from focys.infra.db.database import Change
from tests.support.gauges import read_gauges
from tests.support.service import World


async def sign_in(world: World, number: int, address: str, *, hours_ago: float = 1, person: Any = None) -> None:
    """Open sessions for so many people, or for one of them again and again."""
    at = world.clock.now() - timedelta(hours=hours_ago)
    for _ in range(number):
        user = person or (await world.an_account(f"{uuid4().hex[:12]}@student.com")).id
        row = {
            "id": uuid4(),
            "user_id": user,
            "epoch": 0,
            "refresh_seed": b"x" * 32,
            "refresh_generation": 0,
            "rotated_at": at,
            "amr": "pwd otp mfa",
            "auth_time": at,
            "address": address,
            "agent": "Test",
            "created_at": at,
            "last_used_at": at,
            "expires_at": at + timedelta(days=7),
        }
        await world.services.database.write(Change(sessions, row))


async def people_at_one_address(world: World, public_url: str = "https://login.example.com") -> float:
    numbers = await read_gauges(world, FEATURE, public_url=public_url, trusted_proxies=[ip_network("203.0.113.1")])
    return numbers.of("focys_shared_address_people")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "fd00::7", "203.0.113.1", "unknown"])
async def test_ten_people_at_one_private_address_are_reported(
    world: World, caplog: pytest.LogCaptureFixture, address: str
):
    await sign_in(world, 10, address)

    assert await people_at_one_address(world) == 10
    [said] = [record.getMessage() for record in caplog.records if record.name == "focys.sessions"]
    assert "everybody_shares_an_address" in said
    assert "TRUSTED_PROXIES" in said
    assert address not in said


async def test_nine_people_or_old_sign_ins_are_not_reported(world: World):
    await sign_in(world, 9, "127.0.0.1")
    person = (await world.an_account()).id
    await sign_in(world, 20, "127.0.0.1", hours_ago=25, person=person)
    await sign_in(world, 10, "127.0.0.1", hours_ago=25)

    assert await people_at_one_address(world) == 0


async def test_an_office_behind_one_public_address_is_not_reported(world: World):
    await sign_in(world, 12, "8.8.8.8")

    assert await people_at_one_address(world) == 0


async def test_one_other_address_rules_out_a_proxy(world: World):
    await sign_in(world, 12, "10.1.2.3")
    await sign_in(world, 1, "8.8.8.8")

    assert await people_at_one_address(world) == 0


async def test_real_sign_ins_behind_an_unknown_proxy_are_reported(world: World):
    """LOCK-10: as people do it, with headers that nobody believes."""
    for number in range(10):
        account = await world.an_account(f"someone{number}@student.com")
        browser = world.a_browser("10.0.0.5")
        browser.http.headers["X-Forwarded-For"] = f"8.8.8.{number}"
        await world.enroll(account, browser)

    assert await people_at_one_address(world) == 10
