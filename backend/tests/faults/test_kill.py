"""kill -9 in the middle of whatever it hits: nothing is half done, and no code is taken twice."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Iterable
from pathlib import Path
from time import time_ns

import pytest

from focys.services import Services
from tests.faults.caller import Call, Line
from tests.faults.crowd import crowd, settle
from tests.faults.deployed import WORKERS, Deployed
from tests.faults.journeys import BACKUP_CODE, CONFIRM, LOGIN, REFRESH, TOTP
from tests.faults.report import Tell
from tests.support.processes import Server
from tests.support.waiting import until_it_holds

WORKER_KILLS = 200
DATABASE_KILLS = 50
AIMS = (CONFIRM, BACKUP_CODE, TOTP, TOTP, REFRESH, REFRESH, LOGIN)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> tuple[int, random.Random]:
    """What decides what is hit, and when: set FAULTS_SEED to the number of a run to have its choices again."""
    seed = int(os.environ.get("FAULTS_SEED") or time_ns() % 1_000_000)
    request.node.add_report_section("setup", "chance", f"FAULTS_SEED={seed}")
    return seed, random.Random(seed)


@pytest.mark.timeout(0)  # each kill and each response has its own limit
async def test_killed_workers_leave_nothing_half_done(
    deployed: Deployed, services: Services, line: Line, tell: Tell, chance: tuple[int, random.Random]
):
    """AVL-05, TOTP-04, BKP-03: and gunicorn replaces each by itself."""
    before = set(deployed.server.children())
    seed, draw = chance

    async def kill() -> bool:
        path = draw.choice(AIMS)
        call = await line.next_call(path)
        while not call.is_over:
            await asyncio.sleep(draw.uniform(0, line.usual.get(path, 0.1)))
            if kill_worker_of(deployed.server, call):
                return True
        return False

    journeys = await crowd(services, line, kill, WORKER_KILLS)
    await until_it_holds(lambda: len(set(deployed.server.children()) - before) == WORKERS)
    deployed.server.wait()

    died = sum(line.unanswered.values())
    assert line.broken == []
    assert died >= WORKER_KILLS
    await settle(
        f"{WORKER_KILLS} workers killed (seed {seed})", journeys, services, line, tell, f"{died} without a response"
    )


@pytest.mark.timeout(0)  # each kill and each response has its own limit
async def test_killed_database_connections_leave_nothing_half_done(
    deployed: Deployed, services: Services, line: Line, tell: Tell, chance: tuple[int, random.Random]
):
    """AVL-05, AVL-01: PostgreSQL drops everything it has in hand, and comes back by itself."""
    seed, draw = chance

    async def kill() -> bool:
        path = draw.choice(AIMS)
        await line.next_call(path)
        await asyncio.sleep(draw.uniform(0, line.usual.get(path, 0.1)))
        backends = deployed.cluster.backends()
        at_work = [process for process, title in backends.items() if title != "idle"]
        if not backends:
            return False
        got_on = line.taken.total()
        signal_all([draw.choice(at_work or list(backends))], signal.SIGKILL)
        await until_it_holds(lambda: line.taken.total() > got_on)
        return True

    journeys = await crowd(services, line, kill, DATABASE_KILLS)
    deployed.server.wait()

    died = sum(line.unavailable.values())
    assert line.broken == []
    assert line.unanswered.total() == 0
    assert died >= DATABASE_KILLS
    await settle(
        f"{DATABASE_KILLS} database connections killed (seed {seed})",
        journeys,
        services,
        line,
        tell,
        f"{died} answered 503",
    )


def kill_worker_of(server: Server, call: Call) -> bool:
    """Kill the worker that has a call in hand, as it is at this moment; False if none has it, or has it any more."""
    workers = server.children()
    # They stand still while we look, so that what is hit is what was aimed at.
    signal_all(workers, signal.SIGSTOP)
    socket = socket_of(server.port, call.port)
    found = [worker for worker in workers if socket and has_open(worker, socket)]
    signal_all(found, signal.SIGKILL)
    signal_all(workers, signal.SIGCONT)
    return bool(found)


def signal_all(processes: Iterable[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def socket_of(port: int, caller: int) -> str | None:
    """Return what a process that has taken a connection has open for it."""
    for row in (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]):
        if row[1].endswith(f":{port:04X}") and row[2].endswith(f":{caller:04X}") and row[9] != "0":
            return f"socket:[{row[9]}]"
    return None


def has_open(process: int, what: str) -> bool:
    """Tell whether a process has this open; one that is gone has nothing."""
    with contextlib.suppress(OSError):
        return any(str(descriptor.readlink()) == what for descriptor in Path(f"/proc/{process}/fd").iterdir())
    return False
