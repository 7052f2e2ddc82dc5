"""The session check: `GET /auth/me`, compared with a bare one. `python -m bench.session_check`."""

import statistics
import sys

from bench import servers
from bench.bare import SCHEMA
from bench.client import Load, Served, clients, percentile
from bench.people import add_bare_people, add_people, run_sql
from bench.report import Aim, Effort, Result, Row, Say, main, ratios
from bench.round_trips import each_takes

CONNECTIONS = 16
PEOPLE = 100
_OURS, _BARE = "FOCYS GET /auth/me", "bare session check"


def measure(effort: Effort, say: Say) -> Result:
    """Send session checks to both services in turn, round by round."""
    say("Session check: starting a database and two services")
    served: dict[str, list[Served]] = {_OURS: [], _BARE: []}
    with servers.database() as url, servers.focys(url) as our_ports, clients() as load:
        run_sql(url, SCHEMA)
        with servers.bare(url) as bare_ports:
            requests = {
                _OURS: tuple(person.check(our_ports[0]) for person in add_people(url, PEOPLE)),
                _BARE: tuple(person.bare_check() for person in add_bare_people(url, PEOPLE)),
            }
            run_sql(url, "ANALYZE")
            ports, serve = {_OURS: our_ports, _BARE: bare_ports}, {_OURS: servers.focys, _BARE: servers.bare}
            trips = {name: each_takes(requests[name], url, serve[name], load) for name in served}
            # The first run is a warm-up and does not count.
            for number in range(-1, effort.rounds):
                for name, results in served.items():
                    say(f"Session check, round {max(number + 1, 1)} of {effort.rounds}: {name}")
                    once = load.run(Load(ports[name], requests[name], CONNECTIONS, seconds=effort.seconds))
                    results.extend([once] if number >= 0 else [])
    ours, bare = served[_OURS], served[_BARE]
    relative = ratios((s.rate for s in ours), (s.rate for s in bare))
    return Result(
        "Session check",
        f"PostgreSQL, {servers.WORKERS} workers, {CONNECTIONS} clients, {PEOPLE} sessions.",
        [Row(_OURS, _rate(ours)), Row(_BARE, _rate(bare), relative, Aim(0.75, "at least", "%"))],
        [
            f"{name:<19} p99 {_p99(served[name]):>5.1f} ms   {trips[name]} round trips to the database"
            for name in served
        ],
    )


def _rate(served: list[Served]) -> str:
    return f"{statistics.median(s.rate for s in served):,.0f} checks/s"


def _p99(served: list[Served]) -> float:
    return percentile([latency for one in served for latency in one.latencies], 99)


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
