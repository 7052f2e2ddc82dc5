"""A service with a million accounts in its database, compared with ten thousand. `python -m bench.growth`."""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from argon2 import PasswordHasher

from bench import servers
from bench.client import Load, Served, clients
from bench.people import PASSWORD, add_people, run_sql
from bench.report import QUICK, Aim, Effort, Result, Row, Say, main, ratios

CONNECTIONS = 16
SMALL, LARGE = 10_000, 1_000_000
SMALL_QUICK, LARGE_QUICK = 100, 1_000
MOST_ROUNDS = 7
SIGN_INS = 100
AT_ONCE = 100_000
"""Rows inserted per statement."""

# Like a service that has run for a while: every account is enrolled, has signed in and has an audit row.
_FILL = """
INSERT INTO users (id, email, password_hash, display_name, created_at, updated_at, totp_secret, mfa_enabled)
SELECT gen_random_uuid(), 'filler-' || n || '@bench.example', repeat('h', 97), 'Filler ' || n, now(), now(),
    'v1.' || md5(n::text) || md5((-n)::text), true
FROM generate_series({first}, {last}) AS n;
"""
_FOLLOW = """
INSERT INTO sessions (id, user_id, epoch, refresh_seed, refresh_generation, rotated_at, amr, auth_time, address, agent,
    created_at, last_used_at, expires_at)
SELECT gen_random_uuid(), id, 0, decode(md5(email) || md5(display_name), 'hex'), 1, now(), 'pwd otp mfa', now(),
    '192.0.2.1', 'Filler', now(), now(), now() + interval '7 days'
FROM users;
INSERT INTO browsers (id, user_id, token_hash, epoch, created_at, last_seen_at)
SELECT gen_random_uuid(), id, decode(md5(display_name) || md5(email), 'hex'), 0, now(), now() FROM users;
INSERT INTO backup_codes (id, user_id, code_hash, created_at) SELECT gen_random_uuid(), id, '', now() FROM users;
INSERT INTO audit_events (id, at, event, outcome, user_id, source, request_id)
SELECT gen_random_uuid(), now(), 'totp', 'ok', id, '192.0.2.1', md5(email) FROM users;
"""


@dataclass(slots=True)
class Kind:
    """A kind of request, with the results of each round by number of accounts."""

    name: str
    load: Callable[[str, tuple[int, ...], float], Load]
    served: dict[int, list[Served]] = field(default_factory=dict)


def measure(effort: Effort, say: Say) -> Result:
    """Send each kind of request to both services in turn, round by round."""
    sizes = (SMALL_QUICK, LARGE_QUICK) if effort is QUICK else (SMALL, LARGE)
    kinds = [Kind("password step", _passwords), Kind("TOTP step", _codes), Kind("GET /auth/me", _checks)]
    rounds = min(effort.rounds, MOST_ROUNDS)
    with servers.databases("bench_small", "bench_large") as urls, clients() as load:
        for url, size in zip(urls, sizes, strict=True):
            _fill(url, size, say)
        with servers.focys(urls[0]) as small, servers.focys(urls[1]) as large:
            places = dict(zip(sizes, zip(urls, (small, large), strict=True), strict=True))
            for number in range(-1, rounds):
                for kind in kinds:
                    for size, (url, ports) in places.items():
                        say(f"Growth, round {max(number + 1, 1)} of {rounds}: {kind.name}, {size:,} accounts")
                        result = load.run(kind.load(url, ports, effort.seconds))
                        # The first run is a warm-up and does not count.
                        kind.served.setdefault(size, []).extend([result] if number >= 0 else [])
    return Result(
        "Growth",
        f"{sizes[1]:,} accounts against {sizes[0]:,}; {servers.WORKERS} workers, {CONNECTIONS} clients, PostgreSQL.",
        [row for kind in kinds for row in _rows(kind, *sizes)],
    )


def _fill(url: str, size: int, say: Say) -> None:
    for first in range(1, size + 1, AT_ONCE):
        say(f"Growth: inserted {first - 1:,} of {size:,} accounts")
        run_sql(url, _FILL.format(first=first, last=min(first + AT_ONCE - 1, size)))
    say(f"Growth: inserting sessions, browsers and audit rows for {size:,} accounts")
    run_sql(url, _FOLLOW)
    run_sql(url, "VACUUM ANALYZE")


def _passwords(url: str, ports: tuple[int, ...], seconds: float) -> Load:
    configured = servers.settings(url)
    hasher = PasswordHasher(configured.password_hash_passes, configured.password_hash_memory_kib, 1)
    people = add_people(url, SIGN_INS, hasher.hash(PASSWORD))
    return Load(ports, tuple(person.password_request() for person in people), CONNECTIONS, seconds=seconds)


def _codes(url: str, ports: tuple[int, ...], seconds: float) -> Load:
    people = add_people(url, int(2500 * seconds))
    return Load(ports, tuple(p.totp_request() for p in people), CONNECTIONS, seconds=seconds, once=True)


def _checks(url: str, ports: tuple[int, ...], seconds: float) -> Load:
    people = add_people(url, CONNECTIONS)
    requests = tuple(person.check(ports[0]) for person in people)
    return Load(ports, requests, CONNECTIONS, seconds=seconds)


def _rows(kind: Kind, small: int, large: int) -> list[Row]:
    rates = {size: [one.rate for one in kind.served[size]] for size in (small, large)}
    relative = ratios(rates[large], rates[small])
    return [
        Row(f"FOCYS {kind.name}, {large:,}", _rate(rates[large]), relative, Aim(0.9, "at least", "%")),
        Row(f"{kind.name}, {small:,}", _rate(rates[small])),
    ]


def _rate(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):,.0f}/s"


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
