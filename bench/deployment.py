"""The whole deployment: TLS, nginx, four gunicorn workers, PostgreSQL. `python -m bench.deployment`."""

import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from argon2 import PasswordHasher
from tests.deploy.front import running_nginx
from tests.deploy.shipped import DOMAIN, unit_command, unit_environment
from tests.support.processes import Server, copy_backend, environment, free_port, serving

from bench import servers
from bench.client import COOKIE, Clients, Load, Message, Served, ask, clients, percentile, request
from bench.people import PASSWORD, Person, add_people
from bench.report import Effort, Result, Row, Say, main, ratios

CLIENTS = (1, 16, 64)
MOST_ROUNDS = 3
PREFIX = "__Host-"
"""The prefix of cookie names, behind TLS."""

SIGN_INS_PER_SECOND, STEPS_PER_SECOND = 250, 2000
"""More than two cores finish, because each account signs in once."""
# nginx's limits per source are meant for people; a benchmark would exceed them.
UNLIMITED = {
    "rate=20r/s": "rate=100000r/s",
    "burst=100 ": "burst=100000 ",
    "limit_conn focys_open 100;": "limit_conn focys_open 100; keepalive_requests 1000000;",
}


@dataclass(frozen=True, slots=True)
class Deployment:
    """The ports of nginx and of the workers, nginx's CA certificate and the database's URL."""

    front: int
    workers: int
    authority: Path
    url: str


@dataclass(slots=True)
class Kind:
    """A kind of request: its name, a function that prepares requests, and whether each can be sent only once."""

    name: str
    requests: Callable[[Deployment, float], Sequence[Message]]
    once: bool
    through: dict[int, list[Served]] = field(default_factory=lambda: {number: [] for number in CLIENTS})
    straight: dict[int, list[Served]] = field(default_factory=lambda: {number: [] for number in CLIENTS})


def measure(effort: Effort, say: Say) -> Result:
    """Send each kind of request with each number of clients, through nginx and directly, round by round."""
    say("Deployment: starting a database, four workers and nginx")
    kinds = [
        Kind("sign-in", _sign_ins, True),
        Kind("TOTP step", _totp_steps, True),
        Kind("GET /auth/me", _checks, False),
    ]
    rounds = min(effort.rounds, MOST_ROUNDS)
    with deployment() as deployed, clients() as load:
        for kind in kinds:
            _send(kind, deployed, load, 16, min(effort.seconds, 0.5), through=True)
        for number in range(rounds):
            for kind in kinds:
                for connections in CLIENTS:
                    say(f"Deployment, round {number + 1} of {rounds}: {kind.name}, {connections} clients")
                    for through, served in ((True, kind.through), (False, kind.straight)):
                        result = _send(kind, deployed, load, connections, effort.seconds, through=through)
                        served[connections].append(result)
    return Result(
        "Deployment",
        "TLS, nginx, 4 gunicorn workers, PostgreSQL; compared with the same workers without nginx and TLS.",
        [_row(kind, connections) for kind in kinds for connections in CLIENTS],
        [
            *(_latencies(kind, connections) for kind in kinds for connections in CLIENTS),
            "A sign-in is two requests: password and TOTP. nginx's limits per source are lifted.",
        ],
    )


@contextmanager
def deployment() -> Iterator[Deployment]:
    """Yield a running deployment with the shipped files and the default hashing parameters."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="focys-bench-")))
        url = stack.enter_context(servers.database())
        backend = copy_backend(folder)
        port = free_port()
        settings = {
            **unit_environment(folder),
            "DATABASE_URL": url,
            "SECRET_KEY": servers.SECRET_KEY,
            "PUBLIC_URL": f"https://{DOMAIN}",
        }
        env = environment(backend, **settings)
        server = Server(unit_command(folder, port=port), port=port, folder=backend, env=env, log=folder / "output")
        stack.enter_context(serving(server))
        (folder / "nginx").mkdir()
        front = stack.enter_context(running_nginx(folder / "nginx", backend_port=port, changes=UNLIMITED))
        authority = folder / "authority.pem"
        front.authority.cert_pem.write_to_path(authority)
        yield Deployment(front.tls_port, port, authority, url)


def _send(
    kind: Kind, deployed: Deployment, load: Clients, connections: int, seconds: float, *, through: bool
) -> Served:
    messages = tuple(kind.requests(deployed, seconds))
    straight = Load((deployed.workers,), messages, connections, seconds=seconds, once=kind.once)
    if not through:
        return load.run(straight)
    outside = tuple(_outside(message) for message in messages)
    return load.run(
        replace(straight, ports=(deployed.front,), requests=outside, authority=deployed.authority, name=DOMAIN)
    )


def _sign_ins(deployed: Deployment, seconds: float) -> list[Message]:
    people = _people(deployed, int(SIGN_INS_PER_SECOND * seconds))
    return [(person.password_request(), person.totp_request(COOKIE.decode(), prefix=PREFIX)) for person in people]


def _totp_steps(deployed: Deployment, seconds: float) -> list[bytes]:
    people = _people(deployed, int(STEPS_PER_SECOND * seconds))
    return [person.totp_request(prefix=PREFIX) for person in people]


def _checks(deployed: Deployment, _seconds: float) -> list[Message]:
    bodies = [ask(deployed.workers, message) for message in _totp_steps(deployed, 16 / STEPS_PER_SECOND)]
    tokens = [json.loads(body)["access_token"] for body in bodies]
    return [request("GET", "/auth/me", headers={"Authorization": f"Bearer {token}"}) for token in tokens]


def _people(deployed: Deployment, number: int) -> list[Person]:
    configured = servers.settings(deployed.url)
    hasher = PasswordHasher(configured.password_hash_passes, configured.password_hash_memory_kib, 1)
    return add_people(deployed.url, number, hasher.hash(PASSWORD))


def _outside(message: Message) -> Message:
    """Return a request with the path and the host that nginx expects."""
    if isinstance(message, tuple):
        return tuple(_addressed(one) for one in message)
    return _addressed(message)


def _addressed(message: bytes) -> bytes:
    return message.replace(b" /auth", b" /api/auth", 1).replace(b"Host: localhost", f"Host: {DOMAIN}".encode(), 1)


def _row(kind: Kind, connections: int) -> Row:
    through, straight = ([one.rate for one in served[connections]] for served in (kind.through, kind.straight))
    return Row(f"FOCYS {_case(kind, connections)}", f"{statistics.median(through):,.0f}/s", ratios(through, straight))


def _latencies(kind: Kind, connections: int) -> str:
    latencies = [latency for one in kind.through[connections] for latency in one.latencies]
    p50, p95, p99 = (f"{percentile(latencies, percent):.1f}" for percent in (50, 95, 99))
    return f"{_case(kind, connections):<24} p50 {p50:>6}  p95 {p95:>6}  p99 {p99:>6} ms"


def _case(kind: Kind, connections: int) -> str:
    return f"{kind.name}, {connections} client{'s' if connections > 1 else ''}"


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
