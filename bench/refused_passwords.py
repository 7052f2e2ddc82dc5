"""How long a refused password takes, whosever it is. `python -m bench.refused_passwords`.

Whoever can tell unknown, disabled and live accounts apart by the clock can list who has one (PWD-09).
"""

import asyncio
import json
import statistics
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from http.client import HTTPConnection

import asyncpg  # type: ignore[import-untyped]
from argon2 import PasswordHasher
from focys.infra.db.postgres import connect_arguments

from bench import servers
from bench.client import HOST
from bench.people import PASSWORD, add_people
from bench.report import Effort, Result, Row, Say, main

TRIES = 1000
_UNKNOWN, _DISABLED, _WRONG = "unknown address", "disabled account", "wrong password"


def measure(effort: Effort, say: Say) -> Result:
    """Send one try of each kind in turn, each from a network of its own, over one connection."""
    say("Refused passwords: a database and the service are started")
    tries = min(TRIES, effort.steps)
    took: dict[str, list[float]] = {_UNKNOWN: [], _DISABLED: [], _WRONG: []}
    with servers.database() as url, servers.focys(url) as ports:
        configured = servers.settings(url)
        hasher = PasswordHasher(configured.password_hash_passes, configured.password_hash_memory_kib, 1)
        people = [person.email for person in add_people(url, 2 * tries, hasher.hash(PASSWORD))]
        disabled, live = people[:tries], people[tries:]
        asyncio.run(_disable(url, disabled))
        addresses = {_UNKNOWN: [f"un{address}" for address in live], _DISABLED: disabled, _WRONG: live}
        connection = HTTPConnection(HOST, ports[0], timeout=30)
        kinds = list(took)
        for number in range(tries):
            if number % 100 == 0:
                say(f"Refused passwords, {number} of {tries}")
            # Whoever comes first is another one each time, so that none of them always follows the same.
            for place in range(len(kinds)):
                kind = kinds[(number + place) % len(kinds)]
                seconds = _refused(connection, addresses[kind][number], 3 * number + place)
                took[kind].append(seconds)
        connection.close()
    chance = 2 * ((2 * tries + 1) / (12 * tries * tries)) ** 0.5
    return Result(
        "Refused passwords",
        f"{tries:,} tries of each kind, in turn, by one client; PostgreSQL. Medians, and the middle half.",
        [
            Row(kind, f"{statistics.median(seconds) * 1000:.1f} ms ({_spread(seconds)})")
            for kind, seconds in took.items()
        ],
        [
            f"{kind}: slower than a wrong password in {_slower(took[kind], took[_WRONG]) * 100:.1f} % of all pairs"
            for kind in (_UNKNOWN, _DISABLED)
        ]
        + [f"50 % is no difference; by chance alone it lies within {chance * 100:.1f} of that, 19 times in 20."],
    )


def _refused(connection: HTTPConnection, address: str, number: int) -> float:
    """Return the seconds that a wrong password took."""
    source = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    headers = {"Host": "localhost", "Content-Type": "application/json", "X-Forwarded-For": source}
    body = json.dumps({"email": address, "password": "not-the-password-27"})
    begun = time.perf_counter()
    connection.request("POST", "/auth/login", body, headers)
    answer = connection.getresponse()
    told = answer.read()
    seconds = time.perf_counter() - begun
    if json.loads(told).get("code") != "invalid_credentials":
        raise RuntimeError(f"{address} was answered {answer.status}: {told[:200]!r}")
    return seconds


async def _disable(url: str, addresses: Sequence[str]) -> None:
    connection = await asyncpg.connect(**connect_arguments(url))
    await connection.execute("UPDATE users SET disabled_at = now() WHERE email = ANY($1)", list(addresses))
    await connection.close()


def _spread(seconds: Sequence[float]) -> str:
    low, _, high = statistics.quantiles(seconds, n=4)
    return f"{low * 1000:.0f} to {high * 1000:.0f}"


def _slower(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return in what part of all pairs the first is the larger one (Mann and Whitney's U, in parts of its range)."""
    ordered = sorted(others)
    ranks = sum((bisect_left(ordered, one) + bisect_right(ordered, one)) / 2 for one in ones)
    return ranks / (len(ones) * len(others))


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
