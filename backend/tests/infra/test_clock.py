"""All workers follow one clock, and none of them is led astray by its own machine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from focys.features.admin import RESET
from focys.features.sessions import sessions
from focys.infra.ops.clock import DatabaseClock, SystemClock
from focys.running import check_start
from tests.conftest import world_on
from tests.support.attempts import at_enrollment, at_mailed_code, enter_mailed_code
from tests.support.clock import NOON
from tests.support.rows import rows_of
from tests.support.service import World

YEAR = timedelta(days=365)


class WrongMachine(datetime):
    """A machine whose clock is an hour ahead."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + timedelta(hours=1)


def test_both_clocks_are_in_utc():
    for clock in (SystemClock(), DatabaseClock()):
        assert clock.now().utcoffset() == timedelta(0)
        assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 60


def test_the_database_clock_continues_from_its_last_reading():
    clock = DatabaseClock()

    clock.set(NOON)
    first = clock.now()
    second = clock.now()

    assert NOON <= first <= second < NOON + timedelta(seconds=60)


def test_a_step_of_the_machines_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    clock = DatabaseClock()
    clock.set(NOON)

    monkeypatch.setattr("focys.infra.ops.clock.datetime", WrongMachine)

    assert clock.now() < NOON + timedelta(seconds=60)


async def test_a_worker_with_a_wrong_clock_uses_the_databases_time(postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("focys.infra.ops.clock.datetime", WrongMachine)
    clock = DatabaseClock()
    assert clock.now() > datetime.now(UTC) + timedelta(minutes=50)

    async with world_on(postgres_url, clock=clock) as world:  # type: ignore[arg-type]
        await check_start(world.services)

        assert abs((world.services.clock.now() - await world.services.database.now()).total_seconds()) < 60


async def test_a_session_opened_a_year_ahead_does_not_last_a_year(world: World):
    account = await world.an_account(enrolled=True)
    world.clock.advance(days=365)
    browser, token = await world.signed_in(account)

    world.clock.advance(days=-365)
    responses = [await browser.me(token), await browser.post("/auth/refresh")]

    assert [response.status_code for response in responses] == [401, 401]


async def test_a_session_opened_hours_ahead_survives(world: World):
    """AVL-07: the access token is from the future and refused, the page fetches another one."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(hours=6)
    browser, token = await world.signed_in(account)

    world.clock.advance(hours=-6)
    refused, refreshed = await browser.me(token), await browser.post("/auth/refresh")

    assert (refused.status_code, refreshed.status_code) == (401, 200)
    assert (await browser.me(refreshed.json()["access_token"])).status_code == 200


async def test_a_token_rotated_in_the_future_gets_no_longer_grace(world: World):
    """AVL-07, SESS-06: the ten seconds of grace are ten seconds."""
    account = await world.an_account(enrolled=True)
    browser, _ = await world.signed_in(account)
    world.clock.advance(hours=1)
    replaced = browser.http.cookies["focys_refresh"]
    await browser.post("/auth/refresh")

    world.clock.advance(hours=-1)
    thief = world.a_browser("203.0.113.4")
    thief.http.cookies.set("focys_refresh", replaced)
    response = await thief.post("/auth/refresh")

    assert response.json()["code"] == "session_ended"
    assert [row.revoked_at is None for row in await rows_of(world, sessions)].count(True) == 1


async def test_an_enrollment_started_in_the_future_is_over(world: World):
    """AVL-07, TOTP-10: its secret is neither shown nor taken any more, and another one takes its place."""
    account = await world.an_account()
    world.clock.advance(hours=1)
    await at_enrollment(world, account)
    ahead = account.secret
    world.clock.advance(hours=-1)

    browser = await at_mailed_code(world, account)
    await enter_mailed_code(browser, world.mail.last_code(account.email))
    gone = await browser.post("/auth/mfa/confirm", {"code": "000000"})
    shown = (await browser.post("/auth/mfa/enroll")).json()

    assert gone.json()["code"] == "enrolment_expired"
    assert shown["secret"] != ahead
    assert shown["expires_in"] == 900


async def test_an_email_queued_in_the_future_is_sent_and_suppresses_no_other(world: World):
    account = await world.an_account()
    ahead = world.clock.now() + YEAR
    about = {"at": "2027-01-01 00:00"}
    await world.services.database.write(RESET.queue(account.id, about, ahead))

    is_recent = await world.services.outbox.is_recent(account.id, RESET.kind, timedelta(hours=1))
    await world.deliver()

    assert not is_recent
    assert world.mail.subjects(account.email) == ["Your second step was reset · FOCYS"]


async def test_wrong_passwords_in_the_future_do_not_block_a_network(world: World):
    """AVL-07, LOCK-10: neither the account's own delay nor the network's limit outlasts the wrong clock."""
    account = await world.an_account(enrolled=True)
    browser = world.a_browser()
    world.clock.advance(days=365)
    wrong = [await browser.post("/auth/login", {"email": account.email, "password": f"wrong-{i}"}) for i in range(6)]
    for i in range(26):
        wrong += [await browser.post("/auth/login", {"email": f"{i % 3}@student.com", "password": "wrong"})]

    world.clock.advance(days=-365)
    response = await browser.sign_in_with_password(account)

    assert [a.status_code for a in wrong[-1:]] == [429]
    assert response.status_code == 200, response.text


async def test_a_delay_survives_a_clock_set_back(world: World):
    """AVL-07: the delay begins again, and is no longer than it was."""
    account = await world.an_account(enrolled=True)
    browser = world.a_browser()
    for i in range(9):
        await browser.post("/auth/login", {"email": account.email, "password": f"wrong-{i}"})
        world.clock.advance(seconds=0 if i < 5 else 15 * 2 ** (i - 5))
    await browser.post("/auth/login", {"email": account.email, "password": "wrong-9"})

    world.clock.advance(seconds=-200)
    delayed = await browser.sign_in_with_password(account)

    assert (delayed.status_code, delayed.json()["code"]) == (429, "throttled")
    assert 0 < delayed.json()["retry_after"] <= 480
