"""The first morning of a school: many people behind one address, each at their own pace."""

import heapq
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx

from tests.faults.people import Person
from tests.sieges.attackers import WRONG_PASSWORD, outcome
from tests.sieges.owner import TYPING
from tests.support.service import PASSWORD, World

RETYPING = 15
"""Seconds until someone who mistyped a password has typed it again."""


@dataclass
class Pupil:
    """Someone who signs in on a school's computer: when, in seconds of the morning, and after how many mistakes."""

    person: Person
    arrives: float
    mistakes: int = 0
    took: float | None = None

    async def sign_in(self, world: World, address: str) -> AsyncIterator[float]:
        """Sign in; yield the seconds until the next act."""
        browser, began = world.a_browser(address), world.clock.now()
        for number in range(self.mistakes + 1):
            password = PASSWORD if number == self.mistakes else WRONG_PASSWORD
            response = await browser.post("/auth/login", {"email": self.person.email, "password": password})
            while outcome(response) == "throttled":
                yield response.json()["retry_after"]
                response = await browser.post("/auth/login", {"email": self.person.email, "password": password})
            yield TYPING if outcome(response) == "totp" else RETYPING
        done = await browser.offer(self.person.code(int(world.clock.now().timestamp()) // 30))
        assert done.status_code == httpx.codes.OK, done.text
        self.took = (world.clock.now() - began).total_seconds()


async def morning(world: World, address: str, pupils: Sequence[Pupil]) -> None:
    """Let everyone sign in, in the order of the clock."""
    began = world.clock.now()
    turns = [(pupil.arrives, number, pupil.sign_in(world, address)) for number, pupil in enumerate(pupils)]
    heapq.heapify(turns)
    while turns:
        second, number, signing_in = heapq.heappop(turns)
        world.clock.advance(seconds=second - (world.clock.now() - began).total_seconds())
        pause = await anext(signing_in, None)
        if pause is not None:
            heapq.heappush(turns, (second + pause, number, signing_in))
