"""Goes through a document as its reader would: block after block, and not beyond the first that fails."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.deploy.server.blocks import Block, missing

LAST_CHARACTERS = 6000


@dataclass(frozen=True)
class Outcome:
    """What came of one step."""

    passed: bool
    words: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Ran:
    """What a shell answered."""

    code: int
    output: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Step:
    """Something to be done, by its name."""

    name: str
    act: Callable[[], Outcome]


def step_of(block: Block, run: Callable[[str], Ran]) -> Step:
    """Return the step that runs a block and compares what it printed with what the document shows."""

    def act() -> Outcome:
        ran = run(block.commands)
        words = f"{block.commands}\n\n{ran.output[-LAST_CHARACTERS:]}"
        if ran.code != 0:
            return Outcome(passed=False, words=f"{block.name} ended with {ran.code}:\n\n{words}", seconds=ran.seconds)
        if (line := missing(block.shown, ran.output)) is not None:
            return Outcome(passed=False, words=f"{block.name} did not print {line!r}:\n\n{words}", seconds=ran.seconds)
        return Outcome(passed=True, words=words, seconds=ran.seconds)

    return Step(block.name, act)


def walk(steps: Iterable[Step]) -> dict[str, Outcome]:
    """Take the steps in order, and return what came of each; after one that failed the others are not taken."""
    outcomes: dict[str, Outcome] = {}
    stopped_by = None
    for step in steps:
        if stopped_by is None:
            outcome = step.act()
            stopped_by = None if outcome.passed else step.name
        else:
            outcome = Outcome(passed=False, words=f"not reached: {stopped_by} failed")
        outcomes[step.name] = outcome
    return outcomes
