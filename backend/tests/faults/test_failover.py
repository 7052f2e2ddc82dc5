"""The primary is lost and its synchronous standby takes over: nothing acknowledged is lost, and no code works twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit, urlunsplit

import pytest
from sqlalchemy import literal, select

from focys.infra.db.postgres import Postgres
from focys.services import Services, build_services
from tests.cluster import OwnCluster, running_postgres
from tests.conftest import settings_for
from tests.faults.caller import Line
from tests.faults.crowd import crowd, settle
from tests.faults.deployed import Deployed, deployed_on
from tests.faults.report import Tell
from tests.support import hash_costs
from tests.support.standby import Standby, standby_of
from tests.support.waiting import until_it_holds

CALLS = 100
UNNOTICED_SECONDS = 5
"""How long the standby is not promoted: whatever watches the servers takes a while to be sure."""


@dataclass(frozen=True)
class Pair:
    """The service on a primary and its standby."""

    deployed: Deployed
    primary: OwnCluster
    standby: Standby


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("failover")
    with running_postgres(own=True) as primary:
        assert isinstance(primary, OwnCluster)
        with standby_of(primary) as standby:
            url = with_both_hosts(primary.create_database("failover"), standby.url)
            with deployed_on(primary, url, folder) as deployed:
                yield Pair(deployed, primary, standby)


@pytest.fixture
async def services(pair: Pair) -> AsyncIterator[Services]:
    built = build_services(settings_for(pair.deployed.database_url, **hash_costs.FULL))
    yield built
    await built.close()


def with_both_hosts(url: str, other: str) -> str:
    parts = urlsplit(url)
    netloc = f"{parts.netloc},{urlsplit(other).netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=netloc, query="target_session_attrs=read-write"))


@pytest.mark.timeout(0)  # each response has its own limit
async def test_a_failover_loses_nothing_that_was_acknowledged(pair: Pair, services: Services, tell: Tell):
    """And no worker is restarted."""
    line, server = Line(pair.deployed.server.url), pair.deployed.server
    workers = set(server.children())
    spans: list[float] = []

    async def fail_over() -> bool:
        await until_it_holds(lambda: line.taken.total() > CALLS)
        pair.primary.kill()
        lost = monotonic()
        await until_it_holds(lambda: line.unavailable.total() > 0)
        await asyncio.sleep(UNNOTICED_SECONDS)
        await asyncio.to_thread(pair.standby.promote)
        promoted, taken = monotonic(), line.taken.total()
        await until_it_holds(lambda: line.taken.total() > taken)
        spans.extend((monotonic() - lost, monotonic() - promoted))
        await until_it_holds(lambda: line.taken.total() > taken + CALLS)
        return True

    journeys = await crowd(services, line, fail_over, 1)
    await asyncio.to_thread(server.wait)

    assert line.broken == []
    assert line.unanswered.total() == 0
    assert set(server.children()) == workers
    refused, after = spans
    await settle(
        "primary killed, standby promoted",
        journeys,
        services,
        line,
        tell,
        f"{line.unavailable.total()} answered 503 in {refused:.1f} s, the last {after:.1f} s of them after the promotion",
    )


async def test_a_primary_that_falls_silent_is_left_for_the_promoted_standby(pair: Pair):
    """The lost machine's address neither takes nor refuses connections, as after a loss of power."""
    connections = Postgres(settings_for(pair.deployed.database_url).database, 4)

    async def ask() -> bool:
        try:
            await connections.fetch(select(literal(1)), {})
        except TimeoutError:
            return False
        return True

    asked = [await asyncio.gather(*(ask() for _ in range(4)))]
    pair.primary.pause()
    asked.append(await asyncio.gather(*(ask() for _ in range(4))))
    await asyncio.to_thread(pair.standby.promote)
    asked.append(await asyncio.gather(*(ask() for _ in range(4))))
    began = monotonic()
    asked.append(await asyncio.gather(*(ask() for _ in range(4))))
    took = monotonic() - began

    assert [set(answers) for answers in asked] == [{True}, {False}, {True}, {True}]
    assert took < 1
    await connections.close()
