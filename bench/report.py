"""Results of benchmarks and how to print them: one table per benchmark, each figure next to its target."""

import platform
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import cpu_count, getloadavg
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

OUR_NAME = "FOCYS"
NOISE_PERCENT = 15
"""If the rounds spread by more than this, the result is reported as noisy."""

_WIDTH = 100
_ENOUGH_ROUNDS = 4

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure: the number of rounds, the seconds per contender and round, and the steps per run."""

    rounds: int
    seconds: float
    steps: int


FULL = Effort(rounds=11, seconds=2.0, steps=1200)
QUICK = Effort(rounds=1, seconds=0.3, steps=60)


@dataclass(frozen=True, slots=True)
class Aim:
    """A target for a ratio, or for a time in milliseconds."""

    limit: float
    kind: Literal["at most", "at least"]
    unit: Literal["x", "x faster", "%", "ms"] = "x"

    def is_met(self, value: float) -> bool:
        """Tell whether a value meets the target."""
        return value <= self.limit if self.kind == "at most" else value >= self.limit

    def show(self, value: float) -> str:
        """Return a value in the target's unit."""
        return f"{value * 100:.0f} %" if self.unit == "%" else f"{value:.2f} {self.unit}"

    def __str__(self) -> str:
        limit = self.limit * 100 if self.unit == "%" else self.limit
        return f"{self.kind} {limit:g} {self.unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One contender: its figure, and the ratio of FOCYS's figure to it in each round.

    If the target is a time, ``ratios`` contains the times themselves.
    """

    name: str
    figure: str
    ratios: Sequence[float] = ()
    aim: Aim | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark."""

    title: str
    about: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()


def ratios(ours: Iterable[float], theirs: Iterable[float]) -> list[float]:
    """Return our figure divided by theirs, per round, because interference in a round affects both."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def main(measure: Callable[[Effort, Say], Result], arguments: Sequence[str]) -> int:
    """Run one benchmark as a command."""
    return run([measure], arguments)


def run(measures: Sequence[Callable[[Effort, Say], Result]], arguments: Sequence[str]) -> int:
    """Run benchmarks one after the other and print their results; return the exit code."""
    if unknown := set(arguments) - {"--quick"}:
        Console(stderr=True).print(f"Unknown option: {' '.join(sorted(unknown))}. The only option is --quick.")
        return 2
    effort = QUICK if "--quick" in arguments else FULL
    console = _console()
    console.print(Text(_machine(), style="dim"))
    if effort is QUICK:
        console.print(Text("Smoke test: checks that everything runs; ignore the figures.", style="yellow"))
    for measure in measures:
        with _progress(console) as say:
            result = measure(effort, say)
        _show(console, result, is_judged=effort is not QUICK)
    return 0


def _console() -> Console:
    console = Console(highlight=False)
    return Console(highlight=False, width=max(_WIDTH, console.width) if not console.is_terminal else None)


@contextmanager
def _progress(console: Console) -> Iterator[Say]:
    with console.status("") as status:
        yield status.update


def _machine() -> str:
    load = getloadavg()[0]
    busy = f", busy with other work (load {load:.1f})" if load > (cpu_count() or 1) / 2 else ""
    return f"{cpu_count()} cores{busy}; Python {platform.python_version()} on {platform.system()} {platform.machine()}"


def _show(console: Console, result: Result, *, is_judged: bool) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", expand=False)
    table.add_column("", no_wrap=True, min_width=34)
    table.add_column("measured", justify="right", no_wrap=True, min_width=14)
    table.add_column("ratio", justify="right", no_wrap=True, min_width=13)
    table.add_column("target", no_wrap=True, min_width=19)
    table.add_column("", no_wrap=True, min_width=6)
    for row in result.rows:
        table.add_row(*_cells(row, is_judged=is_judged))
    console.print(f"[bold]{result.title}[/]\n[dim]{result.about}[/]", soft_wrap=False)
    console.print(table)
    for note in (*result.notes, *_noise(result.rows)):
        console.print(Text(f"  {note}", style="dim"))
    console.print()


def _cells(row: Row, *, is_judged: bool) -> list[Text]:
    name = Text(row.name, style="bold" if row.name.startswith(OUR_NAME) else "")
    if not row.ratios:
        return [name, Text(row.figure)]
    middle, aim = statistics.median(row.ratios), row.aim
    if aim is None:
        return [name, Text(row.figure), Text(f"{middle:.2f} x")]
    mark = Text("")
    if is_judged:
        mark = Text("met", style="green") if aim.is_met(middle) else Text("missed", style="bold red")
    return [name, Text(row.figure), Text("" if aim.unit == "ms" else aim.show(middle)), Text(str(aim)), mark]


def _noise(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the spread of the rounds, with a warning if it is too large."""
    for row in rows:
        if row.aim is None or len(row.ratios) < _ENOUGH_ROUNDS:
            continue
        lower, middle, upper = statistics.quantiles(row.ratios, n=4)
        percent = (upper - lower) / middle * 100
        warning = " (noisy; run again on an idle machine)" if percent > NOISE_PERCENT else ""
        yield (
            f"{row.name}: {len(row.ratios)} rounds from {row.aim.show(min(row.ratios))} to "
            f"{row.aim.show(max(row.ratios))}, interquartile range {percent:.0f} %{warning}"
        )
