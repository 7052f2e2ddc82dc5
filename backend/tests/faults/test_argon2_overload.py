"""More people sign in at once than passwords can be hashed: some wait, some are told to come back, nobody else minds."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from uuid import uuid4

import httpx
import pytest

from focys.features.accounts import users
from focys.infra.db.database import Change
from focys.services import build_services
from focys.settings import Settings
from tests.cluster import Cluster
from tests.conftest import settings_for
from tests.deploy.service import service_in
from tests.faults.report import Tell
from tests.support import hash_costs
from tests.support.memory import memory_of
from tests.support.processes import Server, serving
from tests.support.service import PASSWORD
from tests.support.workers import Workers, code_of

WORKERS = 4
BURST = 300
ROUNDS = 10
MIB = 1024 * 1024
SLACK_MIB = 25
"""What a worker may grow by beside the hashes: requests in progress, connections of the database."""


@pytest.fixture(scope="module")
def server(cluster: Cluster, postgres_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    name = "argon2_overload"
    running = service_in(tmp_path_factory.mktemp("argon2"), cluster.create_database(name, template=postgres_template))
    with serving(running):
        yield running
    cluster.drop_database(name)


@pytest.fixture
async def workers(server: Server, cluster: Cluster) -> AsyncIterator[Workers]:
    url = cluster.url.replace("/postgres", "/argon2_overload")
    running = Workers([server], build_services(settings_for(url, **hash_costs.FULL)))
    yield running
    await running.close()


async def test_a_burst_of_sign_ins_stays_within_bounds_and_loses_nobody(server: Server, workers: Workers, tell: Tell):
    """PWD-07: at full parameters; nobody who was turned away is charged with a wrong password."""
    limits = Settings(_env_file=None)
    addresses = await some_addresses(workers, BURST)
    tokens = [await a_token(workers) for _ in range(3)]
    async with httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=None), verify=False) as transport:
        # Each worker has hashed once, so that what grows from now on is the burst's.
        await asyncio.gather(*(log_in(transport, server, address) for address in addresses[:20]))
        base = memory_of(server.pid)

        with watching(lambda: memory_of(server.pid)) as memory:
            live = Bystander(server, "/health/live")
            me = [Bystander(server, "/auth/me", token) for token in tokens]
            with live.asking(), me[0].asking(), me[1].asking(), me[2].asking():
                responses = await asyncio.gather(*(log_in(transport, server, address) for address in addresses))
        # Other counters are of sign-ins that went well.
        charged = await workers.scalar(
            "SELECT sum(hits) FROM throttles WHERE key LIKE 'password:%' OR key LIKE 'source-%'"
        )

        waiting = [who for who, response in zip(addresses, responses, strict=True) if response.status_code == 503]
        turned_away = [response for response in responses if response.status_code == 503]
        for _ in range(ROUNDS):
            again = await asyncio.gather(*(log_in(transport, server, who) for who in waiting))
            waiting = [who for who, response in zip(waiting, again, strict=True) if response.status_code == 503]

    grown, bound = (
        max(memory) - base,
        WORKERS * (limits.password_hash_threads * limits.password_hash_memory_kib // 1024 + SLACK_MIB),
    )
    asked = [seconds for bystander in (live, *me) for seconds in bystander.seconds]
    assert {response.status_code for response in responses} == {200, 503}
    assert len(turned_away) >= BURST - WORKERS * (limits.password_hash_queue + limits.password_hash_threads)
    assert {(response.json()["code"], response.headers["Retry-After"]) for response in turned_away} == {("busy", "2")}
    assert grown < bound * MIB, f"{grown // MIB} MiB"
    tell(
        f"Sent {BURST} sign-ins at once: {len(turned_away)} were told to come back, and did; the workers grew by "
        f"{grown // MIB} MiB, {len(asked)} other responses took {max(asked):.2f} s at most",
        lost={
            "sign-ins": len(waiting),
            "responses to those who were signed in": sum(bystander.failed for bystander in (live, *me)),
            "tries charged to those turned away": int(charged),
        },
    )


async def log_in(transport: httpx.AsyncHTTPTransport, server: Server, who: tuple[str, str]) -> httpx.Response:
    """Take the first step, from a network of one's own."""
    email, source = who
    request = httpx.Request(
        "POST",
        f"{server.url}/auth/login",
        json={"email": email, "password": PASSWORD},
        headers={"X-Forwarded-For": source, "Connection": "close"},
        extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), 60)},
    )
    response = await transport.handle_async_request(request)
    await response.aread()
    return response


async def some_addresses(workers: Workers, number: int) -> list[tuple[str, str]]:
    """People who have an authenticator, so that the first step sends no email; each with a network."""
    hashed = await workers.services.passwords.choose(PASSWORD, "nobody@student.com")
    now = workers.services.clock.now()
    people = [(f"{uuid4().hex[:12]}@student.com", f"10.9.{i // 250}.{i % 250 + 1}") for i in range(number)]
    rows = [
        {"id": uuid4(), "email": email, "password_hash": hashed, "display_name": "", "mfa_enabled": True}
        | {"totp_secret": "v1.none", "created_at": now, "updated_at": now}
        for email, _ in people
    ]
    await workers.services.database.write(*(Change(users, row) for row in rows))
    return people


async def a_token(workers: Workers) -> str:
    person = await workers.an_account(enrolled=True)
    [browser] = await workers.at_second_factor(person)
    return str((await browser.offer(code_of(person))).json()["access_token"])


@dataclass
class Bystander:
    """Somebody who asks for the same thing again and again, on a thread and a connection of his own."""

    server: Server
    path: str
    token: str | None = None
    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    @contextmanager
    def asking(self) -> Iterator[None]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        with httpx.Client(timeout=60, headers=headers, verify=False) as client, repeating(lambda: self._ask(client)):
            yield

    def _ask(self, client: httpx.Client) -> None:
        began = monotonic()
        try:
            self.failed += client.get(self.server.url + self.path).status_code != 200
        except httpx.TransportError:
            self.failed += 1
        self.seconds.append(monotonic() - began)


@contextmanager
def watching(measure: Callable[[], int]) -> Iterator[list[int]]:
    """Measure again and again meanwhile."""
    seen: list[int] = []
    with repeating(lambda: seen.append(measure())):
        yield seen


@contextmanager
def repeating(act: Callable[[], object]) -> Iterator[None]:
    """Do something twenty times a second, on a thread."""
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            act()
            over.wait(0.05)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
