"""Simulate an attacker who knows the password against the lock policy, and count the guesses that are checked.

Run it with `.venv/bin/python bench/attacker.py`. Lock states come from `focys.domain.lockout`, the code that the
service uses. The bookkeeping around it (buckets, forgiven failures) is reimplemented here to match the service. Guesses
take no time, and each one is made as soon as it is allowed. The owner signs in at home every morning, with a wrong code
on some days, and once a month on someone else's device.

A burst is many codes sent at the same instant, over several logins. How much it gains depends on the order in which an
attempt is charged and compared, so both orders are simulated step by step: the service's, and the other for contrast.
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from random import Random
from time import perf_counter
from typing import Protocol

from focys.domain.attempt import CHARGE_TRIES, WRITE_TRIES
from focys.domain.lockout import (
    GUARDED_AFTER,
    MAX_FAILURES,
    MEMORY,
    STRONG_WINDOW,
    Disabled,
    Failures,
    Guarded,
    Locked,
    Open,
    Strength,
    lock_state,
    obstacle,
)
from rich.console import Console
from rich.table import Table

CHANCE_OF_A_CODE = 3 / 10**6
"""Three codes are accepted at any time: the current one and its neighbors."""

CHANCE_OF_A_PAIR = 3 / 10**12
YEAR = timedelta(days=365)
START = datetime(2026, 1, 1, tzinfo=UTC)

STRANGERS, HOME = "strangers", "the owner's own browser"


@dataclass(frozen=True)
class Single:
    """A single code is checked."""


@dataclass(frozen=True)
class Pair:
    """Two codes in a row are checked; a single code is not."""


@dataclass(frozen=True)
class Wait:
    """Nothing is checked before ``until``."""

    until: datetime


class Rule(Protocol):
    """A lock policy and its state."""

    def standing(self, browser: str, now: datetime) -> Single | Pair | Wait:
        """Return what is checked now."""

    def fail(self, browser: str, login: str, now: datetime) -> None:
        """Count a wrong code."""

    def succeed(self, browser: str, login: str) -> None:
        """Record a completed sign-in."""

    def changes_by_itself_at(self, browser: str, now: datetime) -> datetime:
        """Return when the lock state may improve by itself."""


@dataclass(frozen=True)
class Row:
    """A failure: its time, login and browser, and whether it was a pair while single codes were refused."""

    at: datetime
    login: str
    browser: str
    is_strong: bool


@dataclass
class Focys:
    """The service's policy: a browser that completed a sign-in has its own bucket; all others share one.

    Each browser is in its own network.
    """

    known: set[str] = field(default_factory=set)
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def standing(self, browser: str, now: datetime) -> Single | Pair | Wait:
        """Return what is checked now."""
        failures = self._failures(browser, now)
        if isinstance(lock_state(failures, now), Open):
            return Single()
        match obstacle(failures, Strength.STRONG, now):
            case Locked(until):
                return Wait(until)
            case Disabled():
                return Wait(self._rows(browser)[-MAX_FAILURES].at + MEMORY)
            case _:
                return Pair()

    def fail(self, browser: str, login: str, now: datetime) -> None:
        """Count a wrong code."""
        is_strong = not isinstance(lock_state(self._failures(browser, now), now), Open)
        self._rows(browser).append(Row(now, login, browser, is_strong))

    def succeed(self, browser: str, login: str) -> None:
        """Forgive the failures of a known browser, otherwise those of the login; mark the browser as known."""
        rows = self._rows(browser)
        rows[:] = [] if browser in self.known else [row for row in rows if row.login != login]
        self.known.add(browser)

    def changes_by_itself_at(self, browser: str, now: datetime) -> datetime:
        """Return when the lock ends, or when the failure that keeps the bucket guarded expires."""
        match lock_state(self._failures(browser, now), now):
            case Locked(until):
                return until
            case Guarded():
                return [row.at for row in self._rows(browser) if not row.is_strong][-GUARDED_AFTER] + MEMORY
            case Open():
                return now

    def _failures(self, browser: str, now: datetime) -> Failures:
        rows = [row for row in self._rows(browser) if row.at > now - MEMORY]
        strong = [row for row in rows if row.is_strong and row.at > now - STRONG_WINDOW]
        return Failures(
            counted=[row.at for row in rows if not row.is_strong],
            strong=[row.at for row in strong],
            strong_here=[row.at for row in strong if row.browser == browser],
            total=len(rows),
        )

    def _rows(self, browser: str) -> list[Row]:
        return self.rows.setdefault(browser if browser in self.known else STRANGERS, [])


@dataclass
class Guide:
    """The guide's policy: five wrong codes lock for fifteen minutes, then counting restarts; per worker."""

    workers: int = 1
    tries: list[int] = field(init=False)
    locked_until: list[datetime] = field(init=False)

    def __post_init__(self) -> None:
        self.tries, self.locked_until = [0] * self.workers, [START] * self.workers

    def standing(self, browser: str, now: datetime) -> Single | Wait:  # noqa: ARG002  the same for all browsers
        """Return what the first unlocked worker checks now."""
        soonest = min(self.locked_until)
        return Single() if soonest <= now else Wait(soonest)

    def fail(self, browser: str, login: str, now: datetime) -> None:  # noqa: ARG002
        """Count a wrong code at an unlocked worker."""
        worker = next(n for n, until in enumerate(self.locked_until) if until <= now)
        self.tries[worker] += 1
        if self.tries[worker] % 5 == 0:
            self.locked_until[worker] = now + timedelta(minutes=15)

    def succeed(self, browser: str, login: str) -> None:  # noqa: ARG002
        """Reset the count of the worker that the owner reached."""
        self.tries[0] = 0

    def changes_by_itself_at(self, browser: str, now: datetime) -> datetime:  # noqa: ARG002
        """Return *now*: there is nothing to wait for."""
        return now


@dataclass(frozen=True)
class Attacker:
    """A strategy of an attacker who knows the password."""

    name: str
    browsers: int = 1
    only_after_the_owner: bool = False
    offers_pairs: bool = False
    has_the_owners_cookie: bool = False
    at_once: int = 1

    def browser(self, number: int) -> str:
        """Return the browser used for this guess."""
        return HOME if self.has_the_owners_cookie else f"attacker {number % self.browsers}"


@dataclass
class Game:
    """The times at which codes and pairs of codes were checked."""

    singles: list[datetime] = field(default_factory=list)
    pairs: list[datetime] = field(default_factory=list)

    @property
    def most_in_a_year(self) -> int:
        """Return the largest number of single codes checked within any 365 days."""
        return _most_in_a_year(self.singles)

    @property
    def pairs_a_year(self) -> int:
        """Return the largest number of pairs of codes checked within any 365 days."""
        return _most_in_a_year(self.pairs)

    @property
    def chance(self) -> float:
        """Return the probability that one of a year's guesses is right."""
        missed = self.most_in_a_year * math.log1p(-CHANCE_OF_A_CODE)
        missed += self.pairs_a_year * math.log1p(-CHANCE_OF_A_PAIR)
        return -math.expm1(missed)


def _most_in_a_year(moments: Sequence[datetime]) -> int:
    most, oldest = 0, 0
    for newest, at in enumerate(moments):
        while moments[oldest] <= at - YEAR:
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most


@dataclass
class Burst:
    """Codes that arrive at an account at the same instant, as concurrent attempts.

    Each write changes ``version``, which attempts use for compare-and-set.
    """

    rule: Rule
    browser: str = "attacker"
    at: datetime = START
    version: int = 0
    compared: set[int] = field(default_factory=set)
    charged: int = 0
    lets_in: bool = False
    is_open: bool = True

    def charge(self, number: int) -> None:
        """Count an attempt as a failure."""
        self.version += 1
        self.charged += 1
        self.rule.fail(self.browser, f"login {number % LOGINS}, {self.at}", self.at)
        self.is_open = isinstance(self.rule.standing(self.browser, self.at), Single)


LOGINS = 20
"""Logins that a burst is spread over."""

Order = Callable[[Burst, int, bool, Random], Iterator[float]]
"""The steps of an attempt; yields the duration of each statement, one on average."""


def charged_first(burst: Burst, number: int, is_right: bool, random: Random) -> Iterator[float]:  # noqa: FBT001
    """Charge, then compare, as ``focys.domain.attempt`` does."""
    for _ in range(CHARGE_TRIES):
        seen, is_open = burst.version, burst.is_open
        yield random.expovariate(1)
        if not is_open:
            return
        if burst.version == seen:
            break
    else:
        return
    burst.charge(number)
    burst.compared.add(number)
    yield random.expovariate(1)
    burst.lets_in |= is_right


def compared_first(burst: Burst, number: int, is_right: bool, random: Random) -> Iterator[float]:  # noqa: FBT001
    """Compare, then write by compare-and-set; a wrong code runs an extra query first."""
    for _ in range(WRITE_TRIES):
        yield random.expovariate(1)
        seen = burst.version
        if not burst.is_open:
            return
        burst.compared.add(number)
        if not is_right:
            yield random.expovariate(1)
        yield random.expovariate(1)
        if burst.version == seen:
            break
    else:
        return
    if is_right:
        burst.version += 1
        burst.lets_in = True
    else:
        burst.charge(number)


def send_at_once(burst: Burst, order: Order, codes: int, right: int | None, random: Random) -> None:
    """Send different codes at the same instant; *right* is the number of the correct one, or None."""
    attempts = [order(burst, number, number == right, random) for number in range(codes)]
    waiting = [(0.0, random.random(), attempt) for attempt in attempts]
    heapify(waiting)
    while waiting:
        now, _, attempt = heappop(waiting)
        pause = next(attempt, None)
        if pause is not None:
            heappush(waiting, (now + pause, random.random(), attempt))


@dataclass(frozen=True)
class Bursts:
    """Results of bursts: the most codes that one burst had compared and charged, and the share that succeeded."""

    codes: int
    compared: int
    charged: int
    share: float

    @property
    def worth(self) -> float:
        """Return the number of sequential guesses with the same probability of success."""
        return self.share * self.codes


def send_bursts(order: Order, *, failures: int = 0, codes: int = 300, bursts: int = 1000) -> Bursts:
    """Send bursts with one correct code each, each to a different account with this many earlier failures."""
    random, sent = Random(failures), []  # noqa: S311  a simulation
    for _ in range(bursts):
        burst = Burst(Focys())
        for number in range(failures):
            burst.rule.fail(burst.browser, f"before, {number}", START - timedelta(days=failures - number))
        send_at_once(burst, order, codes, random.randrange(codes), random)
        sent.append(burst)
    return Bursts(
        codes,
        max(len(burst.compared) for burst in sent),
        max(burst.charged for burst in sent),
        sum(burst.lets_in for burst in sent) / bursts,
    )


def play(rule: Rule, attacker: Attacker, *, days: int) -> Game:
    """Simulate the attacker and the owner at one account for this many days."""
    game = Game()
    now, end = START, START + timedelta(days=days)
    rule.succeed(HOME, "the very first sign-in")
    for day, browser in _mornings(days):
        if not attacker.only_after_the_owner:
            _attack(rule, attacker, game, now, day)
        _sign_in(rule, browser, day)
        now = day
        if attacker.only_after_the_owner:
            _attack(rule, attacker, game, now, now + timedelta(microseconds=1))
    if not attacker.only_after_the_owner:
        _attack(rule, attacker, game, now, end)
    return game


def _mornings(days: int) -> Iterator[tuple[datetime, str]]:
    for number in range(days):
        at = START + timedelta(days=number, hours=8)
        yield at, HOME
        if number % 30 == 7:  # noqa: PLR2004  the eighth day of each month of thirty
            yield at + timedelta(hours=4), f"someone else's device, day {number}"


def _attack(rule: Rule, attacker: Attacker, game: Game, now: datetime, until: datetime) -> None:
    """Guess as often and as soon as allowed, from *now* to *until*; every guess is wrong."""
    while now < until:
        number = len(game.singles) + len(game.pairs)
        browser = attacker.browser(number)
        match rule.standing(browser, now):
            case Single() if attacker.at_once == 1:
                game.singles.append(now)
                rule.fail(browser, f"login {number}", now)
            case Single():
                burst = Burst(rule, browser, now)
                send_at_once(burst, charged_first, attacker.at_once, None, Random(number))  # noqa: S311  a simulation
                game.singles += [now] * len(burst.compared)
            case Pair() if attacker.offers_pairs:
                game.pairs.append(now)
                rule.fail(browser, f"login {number}", now)
            case Pair():
                now = max(now + timedelta(microseconds=1), rule.changes_by_itself_at(browser, now))
            case Wait(opens):
                now = opens


def _sign_in(rule: Rule, browser: str, now: datetime) -> None:
    """Sign the owner in as soon as the lock allows it, with a wrong code first on every fifth day."""
    login = f"the owner, {now:%j}"
    mistypes = now.day % 5 == 0
    while True:
        match rule.standing(browser, now):
            case Wait(opens):
                now = opens
            case _ if mistypes:
                mistypes = False
                rule.fail(browser, login, now)
            case _:
                return rule.succeed(browser, login)


ALONE = Attacker("guesses as soon as allowed")
THOUSAND = Attacker("has a thousand browsers", browsers=1000)
BURSTS = Attacker("sends 300 codes at once", at_once=300)
AFTER_THE_OWNER = Attacker("guesses after each sign-in of the owner", only_after_the_owner=True)
PAIRS = Attacker("continues with pairs, many networks", browsers=1000, offers_pairs=True)
COOKIE = Attacker("uses the owner's own browser", has_the_owners_cookie=True)


def main() -> int:
    """Run the simulation and print the results; the exit code says whether the budget held."""
    started = perf_counter()
    strategies = (ALONE, THOUSAND, BURSTS, AFTER_THE_OWNER, PAIRS)
    ours = [play(Focys(), attacker, days=3 * 365) for attacker in strategies]
    known = play(Focys(), COOKIE, days=365)
    guide, workers = (play(Guide(number), ALONE, days=365) for number in (1, 4))
    table = Table(title="The attacker who knows the password", title_style="bold", title_justify="left")
    table.add_column("Lock policy", style="bold", no_wrap=True)
    table.add_column("The attacker …")
    for heading in ("single codes\nper year", "pairs\nper year", "chance to\nget in"):
        table.add_column(heading, justify="right")
    for attacker, game in zip(strategies, ours, strict=True):
        _row(table, "FOCYS" if attacker is ALONE else "", attacker.name, game, "green")
    table.add_section()
    _row(table, "", COOKIE.name, known, "yellow")
    table.add_section()
    _row(table, "the guide's rule alone", ALONE.name, guide, "red")
    _row(table, "the same, 4 workers", ALONE.name, workers, "red")
    console = Console()
    console.print(table)
    console.print(_bursts_table())
    kept = all(game.most_in_a_year <= GUARDED_AFTER for game in ours)
    console.print(_notes(ours, guide, kept=kept, seconds=perf_counter() - started), soft_wrap=True)
    return 0 if kept else 1


def _bursts_table() -> Table:
    table = Table(title="300 codes at the same instant, one of them correct", title_style="bold", title_justify="left")
    table.add_column("An attempt is …", style="bold", no_wrap=True)
    for heading in ("failures\nbefore", "most\ncompared", "most\ncharged", "chance to\nget in", "worth\nguesses"):
        table.add_column(heading, justify="right")
    orders = {"charged, then compared (FOCYS)": charged_first, "compared, then charged": compared_first}
    for name, order in orders.items():
        color = "green" if order is charged_first else "red"
        for failures in (0, 4):
            sent = send_bursts(order, failures=failures)
            worth = f"[{color}]{sent.worth:.1f}[/]"
            cells = (str(failures), str(sent.compared), str(sent.charged), f"{sent.share:.1%}", worth)
            table.add_row("" if failures else name, *cells)
    return table


def _row(table: Table, policy: str, attacker: str, game: Game, color: str) -> None:
    singles = f"[{color}]{game.most_in_a_year:,}[/]"
    pairs = f"{game.pairs_a_year:,}" if game.pairs else "-"
    table.add_row(policy, attacker, singles, pairs, _in_words(game.chance))


def _in_words(chance: float) -> str:
    if chance < 0.001:  # noqa: PLR2004
        return f"{chance * 100_000:.1f} in 100,000"
    return f"{chance:.0%}" if chance > 0.1 else f"{chance:.1%}"  # noqa: PLR2004


def _notes(ours: Sequence[Game], guide: Game, *, kept: bool, seconds: float) -> str:
    color, ending = ("green", "was never exceeded") if kept else ("red", "WAS EXCEEDED")
    times = guide.chance / max(game.chance for game in ours)
    return (
        f"[{color}]The budget of {GUARDED_AFTER} single codes in any 365 days {ending}[/]: "
        f"the chance is {times:,.0f} times smaller than under the guide's rule.\n"
        "\n"
        "FOCYS: the worst 365 days of three years.\n"
        "The owner's own browser has its own budget, which is reset each time the owner signs in there.\n"
        f"Simulated in {seconds:.1f} s."
    )


if __name__ == "__main__":
    sys.exit(main())
