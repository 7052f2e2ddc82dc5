"""The password step with Argon2 built for this CPU, compared with the stock wheel. `python -m bench.argon2_build`."""

import importlib.metadata
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from argon2 import PasswordHasher
from focys.settings import BACKEND

from bench import servers
from bench.client import Load, Served, clients
from bench.people import PASSWORD, add_people
from bench.report import Aim, Effort, Result, Row, Say, main, ratios

CONNECTIONS = 16
ACCOUNTS = 400
PACKAGE = "argon2-cffi-bindings"
FLAGS = "-O3 -march=native"
"""The flags in docs/DEPLOYMENT.md."""
UNIT = BACKEND.parent / "deploy" / "systemd" / "focys-backend.service"
BUILD_SECONDS = 300

_OURS, _STOCK = "FOCYS with the built Argon2", "with the stock wheel"


def measure(effort: Effort, say: Say) -> Result:
    """Run the password step at both services in turn, round by round, with one database."""
    say("Argon2: building for this CPU")
    served: dict[str, list[Served]] = {_OURS: [], _STOCK: []}
    with servers.database() as url, clients() as load, _built() as folder:
        stored = PasswordHasher(
            servers.settings(url).password_hash_passes, servers.settings(url).password_hash_memory_kib, 1
        )
        people = add_people(url, ACCOUNTS, stored.hash(PASSWORD))
        requests = tuple(person.password_request() for person in people)
        more = {"PYTHONPATH": str(folder), "GLIBC_TUNABLES": _tunables()}
        with servers.focys(url, more=more) as built, servers.focys(url) as stock:
            ports = {_OURS: built, _STOCK: stock}
            for side in ports.values():
                load.run(Load(side, requests[:CONNECTIONS], CONNECTIONS))
            for number in range(effort.rounds):
                for name, side in ports.items():
                    say(f"Argon2, round {number + 1} of {effort.rounds}: {name}")
                    served[name].append(load.run(Load(side, requests, CONNECTIONS, seconds=effort.seconds)))
    rates = {name: [one.rate for one in runs] for name, runs in served.items()}
    return Result(
        "Password step, Argon2 built for the CPU",
        f"{PACKAGE} with {FLAGS} and the unit's allocator settings; {servers.WORKERS} workers, {CONNECTIONS} clients.",
        [
            Row(_OURS, f"{statistics.median(rates[_OURS]):,.1f} steps/s"),
            Row(
                _STOCK,
                f"{statistics.median(rates[_STOCK]):,.1f} steps/s",
                ratios(rates[_OURS], rates[_STOCK]),
                Aim(1.8, "at least"),
            ),
        ],
    )


@contextmanager
def _built() -> Iterator[Path]:
    """Build the package in the version installed, and yield the folder that contains it."""
    pinned = f"{PACKAGE}=={importlib.metadata.version(PACKAGE)}"
    environment = {**os.environ, "CFLAGS": FLAGS}
    with TemporaryDirectory(prefix="focys-bench-") as folder:
        # No cache, because pip would reuse a wheel built with other flags.
        command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
        command += ["--no-cache-dir", "--no-deps", "--target", folder, "--no-binary", PACKAGE, pinned]
        subprocess.run(command, env=environment, check=True, timeout=BUILD_SECONDS)
        yield Path(folder)


def _tunables() -> str:
    """Return the allocator settings in the systemd unit."""
    [line] = [line for line in UNIT.read_text().splitlines() if line.startswith("Environment=GLIBC_TUNABLES=")]
    return line.removeprefix("Environment=GLIBC_TUNABLES=")


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
