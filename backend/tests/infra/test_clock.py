"""All workers follow one clock, and none of them is led astray by its own machine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from focys.app import _check_start
from focys.infra.clock import DatabaseClock, SystemClock
from tests.conftest import world_on
from tests.support.clock import NOON
from tests.support.rows import execute
from tests.support.service import OPERATOR, World


class WrongMachine(datetime):
    """A machine whose clock is an hour ahead."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + timedelta(hours=1)


def test_both_clocks_tell_utc():
    for clock in (SystemClock(), DatabaseClock()):
        assert clock.now().utcoffset() == timedelta(0)
        assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5


def test_the_databases_clock_goes_on_from_its_last_reading():
    clock = DatabaseClock()

    clock.set(NOON)
    first = clock.now()
    second = clock.now()

    assert NOON <= first <= second < NOON + timedelta(seconds=5)


def test_a_step_of_the_machines_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    """LOCK-14."""
    clock = DatabaseClock()
    clock.set(NOON)

    monkeypatch.setattr("focys.infra.clock.datetime", WrongMachine)

    assert clock.now() < NOON + timedelta(seconds=5)


async def test_a_worker_whose_machine_is_an_hour_ahead_keeps_the_databases_time(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
):
    """LOCK-14."""
    monkeypatch.setattr("focys.infra.clock.datetime", WrongMachine)
    clock = DatabaseClock()
    assert clock.now() > datetime.now(UTC) + timedelta(minutes=50)

    async with world_on(postgres_url, clock=clock) as world:  # type: ignore[arg-type]
        await _check_start(world.services)

        assert abs((world.services.clock.now() - await world.services.database.now()).total_seconds()) < 5


async def test_a_lock_written_by_a_worker_ahead_of_time_is_not_longer_than_its_rung(world: World):
    """LOCK-14: clamped to the ladder's maximum."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    world.clock.advance(minutes=4)
    for _ in range(5):
        await browser.offer("000000")
    world.clock.advance(minutes=-4)

    locked = await browser.offer("000000")

    assert locked.json()["code"] == "account_locked"
    assert locked.json()["retry_after"] == 900


async def test_a_clock_that_goes_back_reopens_no_code(world: World):
    """AVL-07."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(seconds=60)
    browser = await world.at_second_factor(account)
    code = account.code(world.clock)
    assert (await browser.offer(code)).status_code == 200

    world.clock.advance(seconds=-30)
    browser = await world.at_second_factor(account)
    again, older = await browser.offer(code), await browser.offer(account.code(world.clock))

    assert again.json()["code"] == "code_already_used"
    assert older.json()["code"] == "code_already_used"


async def test_a_last_step_far_ahead_denies_and_an_operator_mends_it(world: World):
    """AVL-07."""
    account = await world.an_account(enrolled=True)
    step = int(world.clock.now().timestamp()) // 30
    await execute(world, f"UPDATE users SET totp_last_step = {step + 1000}")

    browser = await world.at_second_factor(account)
    denied = await browser.offer(account.code(world.clock))
    await world.services.administration.unlock(account.email, OPERATOR)
    world.clock.advance(seconds=30)
    browser = await world.at_second_factor(account)
    mended = await browser.offer(account.code(world.clock))

    assert (denied.status_code, denied.json()["code"]) == (503, "clock_fault")
    assert mended.status_code == 200
