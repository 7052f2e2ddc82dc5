"""Expired rows go away hour by hour, whatever one of the tables has."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import bindparam, delete

from focys.features.housekeeping import Housekeeping
from focys.features.rate_limits import throttles
from focys.infra.db.database import Change
from focys.infra.db.retention import kept_for
from tests.support.rows import count_of
from tests.support.service import World


def cannot_run(_now: datetime) -> Change:
    """A deletion without the value of its parameter."""
    return Change(delete(throttles).where(throttles.c.hits > bindparam("most")))


async def test_a_failed_deletion_is_logged_and_the_others_run(world: World, caplog: pytest.LogCaptureFixture):
    past = world.clock.now() - timedelta(hours=2)
    await world.services.database.write(Change(throttles, {"key": "k", "hits": 1, "last_at": past, "expires_at": past}))
    deletions = [cannot_run, kept_for(throttles.c.expires_at, timedelta(hours=1))]

    await Housekeeping(world.services.database, world.clock, deletions).forget()

    assert await count_of(world, throttles) == 0
    [said] = [record.getMessage() for record in caplog.records if "deletion_failed" in record.getMessage()]
    assert "'table': 'throttles'" in said
