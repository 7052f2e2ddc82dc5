"""The password step, compared with Argon2id alone in as many processes. `python -m bench.password_step`."""

import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context

from argon2 import PasswordHasher

from bench import servers
from bench.client import Load, Served, clients, percentile
from bench.people import PASSWORD, add_people
from bench.report import Aim, Effort, Result, Row, Say, main, ratios
from bench.round_trips import each_takes

CONNECTIONS = 16
ACCOUNTS = 400
CHECKS_PER_SECOND = 25.0
"""Low, because these requests take CPU time from the password step."""

_OURS, _HASHING, _ME = "FOCYS password step", "Argon2id alone", "FOCYS GET /auth/me p99"


def measure(effort: Effort, say: Say) -> Result:
    """Hash alone; then measure `me` at the idle service; then measure sign-ins and `me` together."""
    say("Password step: starting a database and the service")
    steps: list[Served] = []
    alone: list[float] = []
    idle: list[Served] = []
    busy: list[Served] = []
    seconds = effort.seconds
    with (
        servers.database() as url,
        servers.focys(url) as ports,
        clients(2) as load,
        hash_processes(servers.WORKERS) as hashers,
    ):
        configured = servers.settings(url)
        hasher = PasswordHasher(configured.password_hash_passes, configured.password_hash_memory_kib, 1)
        people = add_people(url, ACCOUNTS, hasher.hash(PASSWORD))
        trips = each_takes([person.password_request() for person in people[:40]], url, servers.focys, load)
        sign_in = Load(ports, tuple(p.password_request() for p in people), CONNECTIONS, seconds=seconds)
        check = Load(ports, (people[0].check(ports[0]),), len(ports), seconds=seconds, per_second=CHECKS_PER_SECOND)
        load.run(Load(ports, sign_in.requests[:CONNECTIONS], CONNECTIONS))
        for number in range(effort.rounds):
            say(f"Password step, round {number + 1} of {effort.rounds}")
            counts = hashers.map(hash_for, repeat(hasher, servers.WORKERS), repeat(seconds), chunksize=1)
            alone.append(sum(counts))
            idle.append(load.run(check))
            checks = load.start(check)
            steps.append(load.run(sign_in))
            busy.append(checks.result())
    return Result(
        "Password step",
        f"{configured.password_hash_memory_kib // 1024} MiB, {configured.password_hash_passes} passes, 1 lane; "
        f"{servers.WORKERS} workers, {CONNECTIONS} clients, PostgreSQL.",
        [
            Row(_OURS, f"{statistics.median(s.rate for s in steps):,.1f} steps/s"),
            Row(
                f"{_HASHING}, {servers.WORKERS} processes",
                f"{statistics.median(alone):,.1f} hashes/s",
                ratios((s.rate for s in steps), alone),
                Aim(0.85, "at least", "%"),
            ),
            Row(f"{_ME}, busy", f"{_p99(busy):.2f} ms"),
            Row(f"{_ME}, idle", f"{_p99(idle):.2f} ms", [_p99(busy) / _p99(idle)], Aim(3, "at most")),
        ],
        [
            f"{_OURS}: {trips} round trips to the database",
            f"GET /auth/me is sent {CHECKS_PER_SECOND:.0f} times a second; latency counts from the scheduled time.",
        ],
    )


def hash_processes(count: int) -> ProcessPoolExecutor:
    """Return processes for ``hash_for``."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def hash_for(hasher: PasswordHasher, seconds: float) -> float:
    """Verify a password repeatedly, and return the verifications per second."""
    stored = hasher.hash(PASSWORD)
    began, done = time.perf_counter(), 0
    while time.perf_counter() < began + seconds:
        hasher.verify(stored, PASSWORD)
        done += 1
    return done / (time.perf_counter() - began)


def _p99(served: Sequence[Served]) -> float:
    """Return the p99 of all rounds together; a single round has too few responses."""
    return percentile([latency for one in served for latency in one.latencies], 99)


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
