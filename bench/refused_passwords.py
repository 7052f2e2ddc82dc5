"""How long it takes to refuse a password. `python -m bench.refused_passwords`.

If the time differs between unknown, disabled and active accounts, an attacker can find out who has an account.
"""

import asyncio
import json
import statistics
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from http.client import HTTPConnection

from argon2 import PasswordHasher
from focys.infra.db.connecting import Hosts

from bench import servers
from bench.client import HOST
from bench.people import PASSWORD, add_people
from bench.report import Effort, Result, Row, Say, main

TRIES = 1000
_UNKNOWN, _DISABLED, _WRONG = "unknown address", "disabled account", "wrong password"


def measure(effort: Effort, say: Say) -> Result:
    """Send one try of each kind in turn over one connection, each from a different network."""
    say("Refused passwords: starting a database and the service")
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
            # Rotate the order, so that no kind always follows the same one.
            for place in range(len(kinds)):
                kind = kinds[(number + place) % len(kinds)]
                seconds = _refused(connection, addresses[kind][number], 3 * number + place)
                took[kind].append(seconds)
        connection.close()
    chance = 2 * ((2 * tries + 1) / (12 * tries * tries)) ** 0.5
    return Result(
        "Refused passwords",
        f"{tries:,} tries of each kind, in turn, by one client; PostgreSQL. Median and interquartile range.",
        [
            Row(kind, f"{statistics.median(seconds) * 1000:.1f} ms ({_spread(seconds)})")
            for kind, seconds in took.items()
        ],
        [
            f"{kind}: slower than a wrong password in {_slower(took[kind], took[_WRONG]) * 100:.1f} % of pairs"
            for kind in (_UNKNOWN, _DISABLED)
        ]
        + [f"50 % means no difference; chance alone stays within ±{chance * 100:.1f} points of that in 95 % of runs."],
    )


def _refused(connection: HTTPConnection, address: str, number: int) -> float:
    """Send a wrong password, and return the seconds until the response."""
    source = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    headers = {"Host": "localhost", "Content-Type": "application/json", "X-Forwarded-For": source}
    body = json.dumps({"email": address, "password": "not-the-password-27"})
    begun = time.perf_counter()
    connection.request("POST", "/auth/login", body, headers)
    response = connection.getresponse()
    content = response.read()
    seconds = time.perf_counter() - begun
    if json.loads(content).get("code") != "invalid_credentials":
        raise RuntimeError(f"unexpected response for {address}: {response.status} {content[:200]!r}")
    return seconds


async def _disable(url: str, addresses: Sequence[str]) -> None:
    connection = await Hosts(url).connect()
    await connection.fetch("UPDATE users SET disabled_at = now() WHERE email = ANY($1)", list(addresses))
    await connection.close(timeout=5)


def _spread(seconds: Sequence[float]) -> str:
    low, _, high = statistics.quantiles(seconds, n=4)
    return f"{low * 1000:.0f} to {high * 1000:.0f}"


def _slower(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return the share of pairs in which the first value is larger (the normalized Mann-Whitney U)."""
    ordered = sorted(others)
    ranks = sum((bisect_left(ordered, one) + bisect_right(ordered, one)) / 2 for one in ones)
    return ranks / (len(ones) * len(others))


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
