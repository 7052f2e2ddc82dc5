"""kill -9 in the middle of whatever it hits: nothing is half done, and no code is taken twice."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from time import time_ns

import pytest

from focys.services import Services
from tests.faults.caller import STALL_SECONDS, Call, Line
from tests.faults.deployed import WORKERS, Deployed
from tests.faults.journeys import BACKUP_CODE, CONFIRM, LOGIN, REFRESH, TOTP, Journey
from tests.faults.people import Person, some_people
from tests.faults.report import Tell
from tests.faults.traces import half_done, sessions_of
from tests.support.processes import Server
from tests.support.waiting import until_it_holds

CROWD = 8
WORKER_KILLS = 200
DATABASE_KILLS = 50
AIMS = (CONFIRM, BACKUP_CODE, TOTP, TOTP, REFRESH, REFRESH, LOGIN)

Kill = Callable[[], Awaitable[bool]]


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


async def crowd(services: Services, line: Line, kill: Kill, kills: int) -> list[Journey]:
    """Have people come one after the other, several at a time, until so many kills are done."""
    killed = asyncio.Event()
    journeys: list[Journey] = []

    async def come_and_go(people: Iterator[Person]) -> None:
        while not killed.is_set():
            journey = Journey(next(people), line)
            journeys.append(journey)
            await journey.run()

    async def kill_on() -> None:
        try:
            for _ in range(kills):
                async with asyncio.timeout(STALL_SECONDS):
                    while not await kill():
                        pass
        finally:
            killed.set()

    people = iter(await a_queue(services))
    async with asyncio.TaskGroup() as group:
        group.create_task(kill_on())
        for _ in range(CROWD):
            group.create_task(come_and_go(people))
    return journeys


async def a_queue(services: Services) -> list[Person]:
    """Return people who will confirm an authenticator, use one, or use backup codes, in turn."""
    number = 200
    new = await some_people(services, number, enrolled=False)
    old = await some_people(services, number, enrolled=True)
    careful = await some_people(services, number, enrolled=True)
    for person in careful:
        person.prefers_backup_codes = True
    return list(chain.from_iterable(zip(new, old, careful, strict=True)))


async def settle(
    done: str, journeys: list[Journey], services: Services, line: Line, tell: Tell, what_died: str
) -> None:
    """Look for what is half done, then offer every code again, and say what was found."""
    asked = line.asked.total()
    await services.database.engine.dispose()
    halves = await half_done(services, [journey.person.id for journey in journeys])
    missing = sum(await a_few_at_a_time([journey.find_sessions for journey in journeys]))
    taken = sum(await a_few_at_a_time([journey.replay for journey in journeys]))
    opened = [await sessions_of(services, journey.person.id) for journey in journeys]
    twice = sum(max(0, n - journey.told - journey.untold) for n, journey in zip(opened, journeys, strict=True))
    unopened = sum(max(0, journey.told + journey.untold - n) for n, journey in zip(opened, journeys, strict=True))
    told, untold = sum(j.told for j in journeys), sum(j.untold for j in journeys)
    locked, gave_up = sum(j.was_locked for j in journeys), sum(j.gave_up for j in journeys)
    tell(
        f"{done}: {asked} requests, {what_died}; {told + untold} sign-ins, {untold} of which were not told; "
        f"{locked} people were locked on the way, and {gave_up} gave their enrollment up",
        lost={
            **halves,
            "codes used twice": taken + twice,
            "sign-ins without a session": unopened,
            "sessions not found again": missing,
        },
    )


async def a_few_at_a_time(acts: Sequence[Callable[[], Awaitable[int]]]) -> list[int]:
    room = asyncio.Semaphore(CROWD)

    async def one(act: Callable[[], Awaitable[int]]) -> int:
        async with room:
            return await act()

    return await asyncio.gather(*(one(act) for act in acts))


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
