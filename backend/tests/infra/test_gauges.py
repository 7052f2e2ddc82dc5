"""Values that only the database knows reach /metrics, and so does its absence."""

from datetime import timedelta

import pytest

from focys.features import admin, bypass, outbox
from focys.features.outbox.gauges import LATE
from focys.infra.db.database import Database
from focys.infra.mail.mailer import MailError
from focys.infra.ops.periodic import Periodic
from tests.conftest import world_on
from tests.support.gauges import read_gauges
from tests.support.numbers import Numbers, scrape
from tests.support.rows import execute
from tests.support.service import OPERATOR, World


@pytest.fixture(autouse=True)
def nothing_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's own rounds would set the same gauges at any moment."""

    async def rest(_self: Periodic) -> None:
        pass

    monkeypatch.setattr(Periodic, "run", rest)


async def measured(world: World) -> Numbers:
    """What /metrics says once readiness is checked."""
    await world.services.readiness.measure()
    return await scrape(world.a_browser())


async def test_a_factor_reset_is_reported_for_an_hour(world: World):
    """LOG-06: also when another program, the command line, removed it."""
    account = await world.an_account(enrolled=True)
    before = await read_gauges(world, admin.FEATURE)

    await world.services.administration.reset_mfa(account.email, OPERATOR)
    waiting = await read_gauges(world, admin.FEATURE)
    await world.deliver()
    world.clock.advance(seconds=3500)
    within_the_hour = await read_gauges(world, admin.FEATURE)
    world.clock.advance(seconds=200)

    seen = [before, waiting, within_the_hour, await read_gauges(world, admin.FEATURE)]
    assert [numbers.of("focys_mfa_resets_last_hour") for numbers in seen] == [0, 1, 1, 0]


async def test_overdue_emails_are_reported(world: World, monkeypatch: pytest.MonkeyPatch):
    async def refuse(*_: object) -> None:
        raise MailError("not today")

    monkeypatch.setattr(world.mail, "send", refuse)
    account = await world.an_account()
    await world.a_browser().sign_in_with_password(account)
    fresh = await read_gauges(world, outbox.FEATURE)

    world.clock.advance(seconds=(LATE + timedelta(seconds=1)).total_seconds())
    late = await read_gauges(world, outbox.FEATURE)

    assert [numbers.of("focys_mails_waiting") for numbers in (fresh, late)] == [0, 1]


async def test_a_database_outage_is_reported_and_other_gauges_are_kept(world: World, monkeypatch: pytest.MonkeyPatch):
    before = await measured(world)

    async def fail(*_: object, **__: object) -> None:
        raise OSError("the database is gone")

    with monkeypatch.context() as patched:
        patched.setattr(Database, "rows", fail)
        away = await measured(world)

    back = await measured(world)
    assert [numbers.of("focys_database_up") for numbers in (before, away, back)] == [1, 0, 1]
    assert len({numbers.of("focys_mails_waiting") for numbers in (before, away, back)}) == 1


async def test_a_bypass_is_reported_while_it_lasts(world: World):
    """LOG-06: and whether it is for everybody or for somebody named, but not for whom."""
    account = await world.an_account(enrolled=True)
    bypasses = world.services.bypasses

    await bypasses.begin(timedelta(minutes=30), "phones are broken", OPERATOR, address=None)
    await bypasses.begin(timedelta(minutes=10), "lost phone", OPERATOR, address=account.email)
    begun = await read_gauges(world, bypass.FEATURE)
    world.clock.advance(seconds=900)
    later = await read_gauges(world, bypass.FEATURE)
    await bypasses.end(OPERATOR, address=None)
    ended = await read_gauges(world, bypass.FEATURE)

    left = [
        tuple(numbers.of("focys_mfa_bypass_remaining_seconds", whom=whom) for whom in ("everybody", "named"))
        for numbers in (begun, later, ended)
    ]
    assert left == [(1800, 600), (900, 0), (0, 0)]


async def test_a_schema_change_under_a_running_service_is_reported(world: World):
    """What /health/ready says, for Prometheus, which does not read that."""
    await execute(world, "UPDATE alembic_version SET version_num = '0001'")

    numbers = await measured(world)

    parts = {part: numbers.of("focys_ready", part=part) for part in ("database", "schema", "keys", "clock")}
    assert parts == {"database": 1, "schema": 0, "keys": 1, "clock": 1}


async def test_a_read_only_database_is_up_but_not_ready(database_url: str, monkeypatch: pytest.MonkeyPatch):
    async def refuse(_self: Database) -> bool:
        return False

    monkeypatch.setattr(Database, "takes_writes", refuse)
    async with world_on(database_url) as world:
        numbers = await measured(world)

    assert (numbers.of("focys_database_up"), numbers.of("focys_ready", part="database")) == (1, 0)
