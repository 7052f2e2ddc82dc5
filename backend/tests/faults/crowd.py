"""Many people signing in, several at a time, while something is done to the service; and what became of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain

from focys.services import Services
from tests.faults.caller import STALL_SECONDS, Line
from tests.faults.journeys import Journey
from tests.faults.people import Person, some_people
from tests.faults.report import Tell
from tests.faults.traces import half_done, sessions_of

CROWD = 8

Kill = Callable[[], Awaitable[bool]]


async def crowd(services: Services, line: Line, kill: Kill, kills: int) -> list[Journey]:
    """Have people sign in, several at a time, until this many kills are done."""
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
    """Look for what is half done, then try every code again, and say what was found."""
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
