"""What only the database knows reaches /metrics, anyone who did it, and its absence is a finding."""

from datetime import timedelta
from itertools import repeat

import pytest

from focys.features.watching import Watch
from focys.features.watching.service import LATE
from focys.infra.db.database import Database
from focys.infra.mail.mailer import MailError
from focys.infra.web.health import Readiness
from tests.support.numbers import scrape
from tests.support.rows import execute
from tests.support.service import OPERATOR, World


def a_watch(world: World) -> Watch:
    services = world.services
    readiness = Readiness(services.database, services.clock, services.totp.can_open_secrets)
    return Watch(services.outbox, services.bypasses, readiness.failing)


async def test_a_factor_reset_is_reported_for_an_hour(world: World):
    """LOG-06: also when another program, the command line, removed it."""
    account = await world.an_account(enrolled=True)
    watch, browser = a_watch(world), world.a_browser()
    await watch.look()
    before = await scrape(browser)

    await world.services.administration.reset_mfa(account.email, OPERATOR)
    await watch.look()
    waiting = await scrape(browser)
    await world.deliver()
    world.clock.advance(seconds=3500)
    await watch.look()
    within_the_hour = await scrape(browser)
    world.clock.advance(seconds=200)
    await watch.look()

    seen = [before, waiting, within_the_hour, await scrape(browser)]
    assert [numbers.of("focys_mfa_resets_last_hour") for numbers in seen] == [0, 1, 1, 0]


async def test_overdue_emails_are_reported(world: World, monkeypatch: pytest.MonkeyPatch):
    async def refuse(*_: object) -> None:
        raise MailError("not today")

    monkeypatch.setattr(world.mail, "send", refuse)
    account = await world.an_account()
    browser, watch = world.a_browser(), a_watch(world)
    await browser.sign_in_with_password(account)
    await watch.look()
    fresh = await scrape(browser)

    world.clock.advance(seconds=(LATE + timedelta(seconds=1)).total_seconds())
    await watch.look()

    assert (fresh.of("focys_mails_waiting"), (await scrape(browser)).of("focys_mails_waiting")) == (0, 1)


async def test_a_database_outage_is_reported_and_other_gauges_are_kept(world: World, monkeypatch: pytest.MonkeyPatch):
    watch, browser = a_watch(world), world.a_browser()
    await watch.look()
    before = await scrape(browser)

    async def fail(*_: object, **__: object) -> None:
        raise OSError("the database is gone")

    with monkeypatch.context() as patched:
        patched.setattr(Database, "rows", fail)
        await watch.look()
    away = await scrape(browser)
    await watch.look()

    back = await scrape(browser)
    assert [numbers.of("focys_database_up") for numbers in (before, away, back)] == [1, 0, 1]
    assert [numbers.of("focys_mails_waiting") for numbers in (before, away, back)] == list(repeat(0, 3))


async def test_a_bypass_is_reported_while_it_lasts(world: World):
    """LOG-06: and whether it is for everybody or for somebody named, but not for whom."""
    account = await world.an_account(enrolled=True)
    watch, browser, bypasses = a_watch(world), world.a_browser(), world.services.bypasses

    await bypasses.begin(timedelta(minutes=30), "phones are broken", OPERATOR, address=None)
    await bypasses.begin(timedelta(minutes=10), "lost phone", OPERATOR, address=account.email)
    await watch.look()
    begun = await scrape(browser)
    world.clock.advance(seconds=900)
    await watch.look()
    later = await scrape(browser)
    await bypasses.end(OPERATOR, address=None)
    await watch.look()

    left = [
        tuple(numbers.of("focys_mfa_bypass_remaining_seconds", whom=whom) for whom in ("everybody", "named"))
        for numbers in (begun, later, await scrape(browser))
    ]
    assert left == [(1800, 600), (900, 0), (0, 0)]


async def test_a_schema_change_under_a_running_service_is_reported(world: World):
    """What /health/ready says, for Prometheus, which does not read that."""
    watch, browser = a_watch(world), world.a_browser()
    await execute(world, "UPDATE alembic_version SET version_num = '0001'")

    await watch.look()

    numbers = await scrape(browser)
    parts = {part: numbers.of("focys_ready", part=part) for part in ("database", "schema", "keys", "clock")}
    assert parts == {"database": 1, "schema": 0, "keys": 1, "clock": 1}
