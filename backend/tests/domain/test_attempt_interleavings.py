"""Every interleaving of three attempts, with a fault at every point: every comparison is charged first.

The attempts are the real ``focys.domain.attempt.run``; only the database is a model. It does what PostgreSQL does at
read committed: a statement reads a snapshot first and writes later, and a compare-and-set fails if it came too late.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import Any

import pytest

from focys.domain import attempt
from focys.domain.outcome import Reason, Refused, Unproven

LOCKED, WRONG = Refused(Reason.ACCOUNT_LOCKED), Unproven(Refused(Reason.INVALID_CODE))


@dataclass(frozen=True)
class Pause:
    """A point at which another attempt may go on, or this one may fail."""

    label: str

    def __await__(self) -> Generator["Pause", None, None]:
        yield self


class FaultError(Exception):
    """The database, the mailer or the process itself is gone."""


@dataclass
class Ledger:
    """The account: its allowed failures, its actual failures, and what was compared."""

    budget: int
    charges: set[int] = field(default_factory=set)
    charge_version: int = 0
    attempt_version: int = 0
    compared: list[int] = field(default_factory=list)
    signed_in: list[int] = field(default_factory=list)

    def key(self) -> tuple[object, ...]:
        counts = tuple(self.compared.count(number) for number in range(3))
        return frozenset(self.charges), self.charge_version, self.attempt_version, counts, frozenset(self.signed_in)


@dataclass
class Modeled:
    """One attempt as the service makes it: its number, and whether its code is right."""

    ledger: Ledger
    number: int
    is_right: bool
    facts: tuple[int, int] | None = None

    async def charge(self) -> tuple[int, int] | Refused | None:
        await Pause("read")
        failures, version = len(self.ledger.charges), self.ledger.charge_version
        self.facts = (version, self.ledger.attempt_version)
        await Pause("charge")
        if failures >= self.ledger.budget:
            return LOCKED
        if version != self.ledger.charge_version:
            return None
        self.ledger.charge_version += 1
        self.ledger.charges.add(self.number)
        return self.facts

    async def look_again(self) -> tuple[int, int] | Refused:
        await Pause("read again")
        self.facts = (self.ledger.charge_version, self.ledger.attempt_version)
        return self.facts

    async def compare(self, facts: tuple[int, int]) -> bool | Unproven:
        await Pause("compare")
        self.ledger.compared.append(self.number)
        return True if self.is_right else WRONG

    async def give_back(self, facts: tuple[int, int]) -> None:
        self.ledger.charges.discard(self.number)

    async def accept(self, facts: tuple[int, int], proof: bool) -> int | None:  # noqa: FBT001
        await Pause("write")
        if facts[1] != self.ledger.attempt_version:
            return None
        self.ledger.attempt_version += 1
        self.ledger.charges.discard(self.number)
        self.ledger.signed_in.append(self.number)
        return self.number

    async def fail(self, facts: tuple[int, int], unproven: Unproven) -> Refused:
        await Pause("notify")
        await Pause("write")
        return unproven.refused


async def as_it_was(tried: Modeled) -> object:
    """The previous order: compare first, then charge by the same compare-and-set as a success."""
    for _ in range(3):
        await Pause("read")
        failures, version = len(tried.ledger.charges), tried.ledger.charge_version
        tried.facts = (version, 0)
        if failures >= tried.ledger.budget:
            return LOCKED
        await Pause("compare")
        tried.ledger.compared.append(tried.number)
        if not tried.is_right:
            await Pause("notify")
        await Pause("write")
        if version != tried.ledger.charge_version:
            continue
        tried.ledger.charge_version += 1
        if tried.is_right:
            tried.ledger.signed_in.append(tried.number)
        else:
            tried.ledger.charges.add(tried.number)
        return tried.number
    return attempt.BUSY


def counterexample(
    run: Callable[[Modeled], Awaitable[object]], budget: int, rights: tuple[bool, ...]
) -> list[str] | None:
    """Run every schedule and return the first one that compares more than it charges, if any."""
    seen: set[tuple[object, ...]] = set()
    waiting: list[tuple[tuple[int, bool], ...]] = [()]
    while waiting:
        schedule = waiting.pop()
        state, moves, trace = _replay(run, budget, rights, schedule)
        if state in seen:
            continue
        seen.add(state)
        if trace is not None:
            return trace
        waiting += [(*schedule, move) for move in moves]
    assert len(seen) > 100
    return None


def _replay(
    run: Callable[[Modeled], Awaitable[object]],
    budget: int,
    rights: tuple[bool, ...],
    schedule: tuple[tuple[int, bool], ...],
) -> tuple[tuple[object, ...], list[tuple[int, bool]], list[str] | None]:
    """Run a schedule's moves; return the state, the possible next moves, and the trace if it is a bad one."""
    ledger = Ledger(budget)
    tries = [Modeled(ledger, number, is_right) for number, is_right in enumerate(rights)]
    running: list[Coroutine[Any, Any, object] | None] = [_started(run, tried) for tried in tries]
    at = [_step(running, number) for number in range(len(tries))]
    trace: list[str] = []
    for number, is_fault in schedule:
        trace.append(f"{number}: {at[number]}{' fails' if is_fault else ''}")
        at[number] = _step(running, number, FaultError() if is_fault else None)
    wrong = [number for number in ledger.compared if not rights[number]]
    is_bad = len(wrong) > len([n for n in ledger.charges if not rights[n]]) or len(wrong) > budget
    moves = [(number, is_fault) for number in range(len(tries)) if running[number] for is_fault in (False, True)]
    for coroutine in running:
        if coroutine is not None:
            coroutine.close()
    state = (ledger.key(), tuple(at), tuple(tried.facts for tried in tries))
    return state, moves, trace if is_bad else None


async def _started(run: Callable[[Modeled], Awaitable[object]], tried: Modeled) -> object:
    return await run(tried)


def _step(running: list[Coroutine[Any, Any, object] | None], number: int, fault: Exception | None = None) -> str:
    """Let one attempt run to its next pause, or fail where it is; return its new position."""
    coroutine = running[number]
    assert coroutine is not None
    try:
        pause = coroutine.throw(fault) if fault is not None else coroutine.send(None)
    except (StopIteration, FaultError):
        running[number] = None
        return "over"
    return str(pause.label)


@pytest.mark.parametrize("budget", [1, 2])
@pytest.mark.parametrize("rights", list(combinations_with_replacement([True, False], 3)))
def test_no_schedule_compares_more_than_is_charged(budget: int, rights: tuple[bool, ...]):
    """LOCK-02: in any order and with any fault, the ledger has each wrong code that was compared."""
    assert counterexample(attempt.run, budget, rights) is None


def test_the_same_search_finds_the_earlier_bug():
    """In the previous order, a right code that overtakes a wrong one leaves the wrong one compared but not charged."""
    found = counterexample(as_it_was, 1, (True, False, False))

    assert found is not None


def test_two_wrong_codes_are_enough_to_find_the_bug():
    """With room for one failure, two codes are compared."""
    assert counterexample(as_it_was, 1, (False, False, False)) is not None
