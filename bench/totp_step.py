"""The TOTP step of a login, compared with two bare ones. `python -m bench.totp_step`."""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench import servers
from bench.bare import SCHEMA
from bench.client import Clients, Load, Served, clients, percentile
from bench.people import Person, add_bare_people, add_people, run_sql
from bench.report import Aim, Effort, Result, Row, Say, main, ratios
from bench.round_trips import Serve, each_takes

CONNECTIONS = 16
_OURS, _BARE, _SECURE = "FOCYS TOTP step", "bare FastAPI + asyncpg", "the same, with security work"


@dataclass(frozen=True, slots=True)
class Contender:
    """One contender: how to start it, how to add its accounts, and the request to send."""

    serve: Serve
    add_people: Callable[[str, int], list[Person]]
    request: Callable[[Person], bytes]
    served: list[Served] = field(default_factory=list)


def measure(effort: Effort, say: Say) -> Result:
    """Send every code once, to each contender in turn, round by round."""
    sides = {
        _OURS: Contender(servers.focys, add_people, Person.totp_request),
        _BARE: Contender(servers.bare, add_bare_people, Person.bare_request),
        _SECURE: Contender(servers.bare, add_bare_people, Person.secure_request),
    }
    say("TOTP step: starting a database and two services")
    with servers.database() as url, clients() as load:
        run_sql(url, SCHEMA)
        trips = {name: _round_trips(side, url, load) for name, side in sides.items()}
        with servers.focys(url) as our_ports, servers.bare(url) as bare_ports:
            ports = {_OURS: our_ports, _BARE: bare_ports, _SECURE: bare_ports}
            _warm_up(sides, url, ports, load, effort, say)
            for number in range(effort.rounds):
                for name, side in sides.items():
                    say(f"TOTP step, round {number + 1} of {effort.rounds}: {name}")
                    side.served.append(_send(side, url, ports[name], load, effort.steps))
    ours, bare, secure = (sides[name].served for name in (_OURS, _BARE, _SECURE))
    return Result(
        "TOTP step",
        f"PostgreSQL with fsync, {servers.WORKERS} workers, {CONNECTIONS} clients; every code is used once.",
        [
            Row(_OURS, _rate(ours)),
            Row(_BARE, _rate(bare), _beside(ours, bare), Aim(0.6, "at least", "%")),
            Row(_SECURE, _rate(secure), _beside(ours, secure)),
        ],
        [*(_latencies(name, side.served, trips[name]) for name, side in sides.items())],
    )


def _warm_up(
    sides: Mapping[str, Contender],
    url: str,
    ports: Mapping[str, tuple[int, ...]],
    load: Clients,
    effort: Effort,
    say: Say,
) -> None:
    """Fill the tables, update the planner's statistics, and let every connection plan its statements with them."""
    for turn in range(2):
        for name, side in sides.items():
            say(f"TOTP step, warming up: {name}")
            _send(side, url, ports[name], load, effort.steps // 2)
        if turn == 0:
            run_sql(url, "ANALYZE")


def _send(side: Contender, url: str, ports: tuple[int, ...], load: Clients, steps: int) -> Served:
    people = side.add_people(url, steps)
    return load.run(Load(ports, tuple(side.request(person) for person in people), CONNECTIONS))


def _round_trips(side: Contender, url: str, load: Clients) -> int:
    return each_takes([side.request(person) for person in side.add_people(url, 40)], url, side.serve, load)


def _beside(ours: Sequence[Served], theirs: Sequence[Served]) -> list[float]:
    return ratios((s.rate for s in ours), (s.rate for s in theirs))


def _rate(served: Sequence[Served]) -> str:
    return f"{statistics.median(s.rate for s in served):,.0f} steps/s"


def _latencies(name: str, served: Sequence[Served], round_trips: int) -> str:
    every = [latency for one in served for latency in one.latencies]
    p50, p95, p99 = (f"{percentile(every, percent):.1f}" for percent in (50, 95, 99))
    return f"{name:<29} p50 {p50:>5}  p95 {p95:>5}  p99 {p99:>5} ms   {round_trips} round trips to the database"


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
