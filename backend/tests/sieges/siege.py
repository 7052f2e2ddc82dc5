"""An hour of simulated time during which attackers act."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from tests.support.service import World

HOUR = 3600
MOMENTS = (1, 12, 27, 44, 58)
"""The minutes of the hour at which the owner begins to sign in."""

AnswerT = TypeVar("AnswerT")


class Attacker(Protocol):
    """Someone who acts as hard as the limits let them."""

    async def act(self, world: World, now: datetime) -> None:
        """Do what has become due by now."""
        ...


class Pace:
    """How many acts become due: a rate per second, but at most *most* per step of the clock."""

    def __init__(self, rate: float, most: int) -> None:
        self._rate, self._most, self._owed = rate, most, 1.0
        self._last: datetime | None = None

    def due(self, now: datetime) -> int:
        """Return how many acts have become due since the last call."""
        if self._last is not None:
            self._owed += (now - self._last).total_seconds() * self._rate
        self._last = now
        whole = int(self._owed)
        self._owed -= whole
        return min(whole, self._most)


class Siege:
    """Moves the clock: in steps of *near* seconds while somebody waits, of *far* seconds while nobody signs in."""

    def __init__(self, world: World, attackers: Sequence[Attacker], *, near: float = 8, far: float = 300) -> None:
        self.world, self._attackers = world, attackers
        self._near, self._far = near, far
        self._began, self._is_due = world.clock.now(), True

    @property
    def seconds(self) -> float:
        """How long the siege has lasted."""
        return (self.world.clock.now() - self._began).total_seconds()

    async def last_an_hour(self, at_each_moment: Callable[[int], Awaitable[object]]) -> None:
        """Let the hour pass; at each of ``MOMENTS``, call the owner's act with its number."""
        for number, minute in enumerate(MOMENTS):
            await self.until(minute * 60)
            await at_each_moment(number)
        await self.until(HOUR)
        await self._attack()

    async def until(self, second: float) -> None:
        """Let the time pass up to a second of the siege."""
        await self._pass(second - self.seconds, self._far)

    async def wait(self, seconds: float) -> None:
        """Let someone wait; the attackers act meanwhile, and once more at the same time as the next act."""
        await self._pass(seconds, self._near)

    async def amid(self, request: Awaitable[AnswerT]) -> AnswerT:
        """Make a request at the same time as the attackers make theirs."""
        response, _ = await asyncio.gather(request, self._attack())
        return response

    async def _pass(self, seconds: float, step: float) -> None:
        left = seconds
        while left > 0:
            await self._attack()
            # If the clock jumped while an email is being sent, it would be sent again.
            await self.world.deliver()
            self.world.clock.advance(seconds=min(step, left))
            self._is_due = True
            left -= step

    async def _attack(self) -> None:
        if self._is_due:
            self._is_due = False
            now = self.world.clock.now()
            await asyncio.gather(*(attacker.act(self.world, now) for attacker in self._attackers))
