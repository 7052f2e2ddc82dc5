"""Clients that hold connections and say next to nothing, and a database that does not respond, while others sign in."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from focys.infra.db.postgres import LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS
from focys.services import build_services
from tests.cluster import Cluster
from tests.conftest import settings_for
from tests.deploy.shipped import DOMAIN
from tests.deploy.stack import Stack, running_stack
from tests.faults.report import Tell
from tests.support import hash_costs
from tests.support.memory import memory_of
from tests.support.processes import BACKEND
from tests.support.service import Account
from tests.support.workers import Workers, code_of

CROWD = 2000
DIRECT_CROWD = 200
KINDS = {"dripping head", "dripping body", "no body", "half open"}
SIGN_INS = 12
AT_ONCE = 3
READY_SECONDS = 60
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def stack(cluster: Cluster, postgres_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    name = "slow_clients"
    url = cluster.create_database(name, template=postgres_template)
    with running_stack(tmp_path_factory.mktemp("slow"), url) as running:
        yield running
    cluster.drop_database(name)


@pytest.fixture
async def workers(stack: Stack) -> AsyncIterator[Workers]:
    running = Workers([stack.gunicorn], build_services(settings_for(stack.database_url, **hash_costs.FULL)))
    yield running
    await running.close()


class Crowd:
    """The slow clients, in a process of their own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def toll(self) -> dict[str, Any]:
        """What has become of them so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        toll: dict[str, Any] = json.loads(self._process.stdout.readline())
        return toll

    def wait_until(self, number: int) -> None:
        """Return when so many were held at once."""
        deadline = monotonic() + READY_SECONDS
        while (toll := self.toll())["most"] < number:
            assert monotonic() < deadline, toll
            sleep(0.2)


@contextlib.contextmanager
def slow_clients(number: int, *, port: int, authority: Path | None = None) -> Iterator[Crowd]:
    """Have them hold connections for as long as the block lasts."""
    command = [sys.executable, "-m", "tests.faults.slow_clients", str(port), DOMAIN, str(number)]
    with subprocess.Popen(
        [*command, *([str(authority)] if authority else [])],
        cwd=BACKEND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Crowd(process)


async def test_two_thousand_slow_clients_keep_nobody_from_signing_in(
    stack: Stack, workers: Workers, tmp_path: Path, tell: Tell
):
    """AVL-06: at the shipped nginx; they are cut after five seconds in the head and ten in the body, dripping or not."""
    people = [await workers.an_account(enrolled=True) for _ in range(2 * SIGN_INS)]
    authority = tmp_path / "authority.pem"
    stack.front.authority.cert_pem.write_to_path(authority)
    alone = await sign_ins(stack, people[:SIGN_INS])
    before = memory_of(stack.gunicorn.pid), memory_of(stack.front.pid)

    with slow_clients(CROWD, port=stack.front.tls_port, authority=authority) as crowd:
        await asyncio.to_thread(crowd.wait_until, CROWD * 9 // 10)
        beside = await sign_ins(stack, people[SIGN_INS:])
        after = memory_of(stack.gunicorn.pid), memory_of(stack.front.pid)
        deadline = monotonic() + READY_SECONDS
        while set((toll := crowd.toll())["cut"]) < {"dripping head", "dripping body", "no body", "half open"}:
            assert monotonic() < deadline, toll
            await asyncio.sleep(0.2)

    cut = {kind: (min(seconds), max(seconds)) for kind, seconds in toll["cut"].items()}
    assert min(cut["dripping head"][0], cut["half open"][0]) > 3
    assert min(cut["no body"][0], cut["dripping body"][0]) > 9
    assert (after[0] - before[0]) < 100 * MIB
    assert (after[1] - before[1]) < 300 * MIB
    tell(
        f"Held up to {toll['most']} slow clients at nginx, which cut {sum(map(len, toll['cut'].values()))}; the 95th "
        f"percentile of sign-ins went from {percentile(alone, 95):.1f} s to {percentile(beside, 95):.1f} s, nginx's "
        f"memory by {(after[1] - before[1]) // MIB} MiB, gunicorn's by {(after[0] - before[0]) // MIB} MiB",
        lost={"sign-ins": len(people) - len(alone) - len(beside)},
    )


async def test_without_nginx_slow_clients_are_cut_off_too(stack: Stack, workers: Workers, tell: Tell):
    """AVL-06: a head has five seconds, a body ten."""
    people = [await workers.an_account(enrolled=True) for _ in range(4)]

    with slow_clients(DIRECT_CROWD, port=stack.gunicorn.port) as crowd:
        await asyncio.to_thread(crowd.wait_until, DIRECT_CROWD)
        done = await sign_ins(stack, people)
        deadline = monotonic() + READY_SECONDS
        while set((toll := crowd.toll())["cut"]) < KINDS:
            assert monotonic() < deadline, toll
            await asyncio.sleep(0.2)

    cut = toll["cut"]
    assert set(cut) == KINDS
    assert min(min(cut[kind]) for kind in ("dripping body", "no body")) > 9
    assert min(min(cut[kind]) for kind in ("dripping head", "half open")) > 4
    tell(
        f"Held {DIRECT_CROWD} slow clients at gunicorn itself, which cut {sum(map(len, cut.values()))}",
        lost={"sign-ins": len(people) - len(done)},
    )


async def test_a_locked_row_is_waited_for_one_second(stack: Stack, workers: Workers):
    """AVL-06, AVL-04: then nobody is let in, and the code is still good."""
    person = await workers.an_account(enrolled=True)
    with stack.front.client("127.0.0.31") as browser:
        at_second_factor(browser, person)
        async with workers.services.database.engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN")
            await connection.execute(text("SELECT 1 FROM users WHERE id = :id FOR UPDATE"), {"id": person.id})
            held, took = await asyncio.to_thread(offered, browser, person)
            await connection.exec_driver_sql("ROLLBACK")
        again, _ = offered(browser, person)

    assert_unavailable(held)
    assert took >= LOCK_TIMEOUT_MS / 1000
    assert again.status_code == 200, again.text


async def test_a_hanging_statement_is_canceled_after_three_seconds(stack: Stack, workers: Workers):
    """AVL-06, AVL-04: then nobody is let in, the attempt is charged, and the code is still good."""
    person = await workers.an_account(enrolled=True)
    with stack.front.client("127.0.0.32") as browser:
        at_second_factor(browser, person)
        await hang(workers)
        try:
            hung, took = await asyncio.to_thread(offered, browser, person)
        finally:
            await workers.run("DROP TRIGGER hang ON sessions")
        charged = await workers.rows_of("second_factor_failures", person.id)
        again, _ = offered(browser, person)

    assert_unavailable(hung)
    assert took >= STATEMENT_TIMEOUT_MS / 1000
    assert charged == 1
    assert again.status_code == 200, again.text
    assert await workers.rows_of("sessions", person.id) == 1


def at_second_factor(browser: httpx.Client, person: Account) -> None:
    response = browser.post("/api/auth/login", json={"email": person.email, "password": person.password})
    assert response.json()["step"] == "totp", response.text


def offered(browser: httpx.Client, person: Account) -> tuple[httpx.Response, float]:
    """Offer the person's code; the response, and the seconds it took."""
    began = monotonic()
    response = browser.post("/api/auth/totp/verify", json={"code": code_of(person)})
    return response, monotonic() - began


async def hang(workers: Workers) -> None:
    """Have every new session take half a minute."""
    await workers.run(
        "CREATE OR REPLACE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$"
    )
    await workers.run("CREATE TRIGGER hang BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION hang()")


def assert_unavailable(response: httpx.Response) -> None:
    assert (response.status_code, response.json()["code"]) == (503, "unavailable"), response.text
    assert response.headers["Retry-After"] == "5"
    assert "Set-Cookie" not in response.headers


async def sign_ins(stack: Stack, people: list[Account]) -> list[float]:
    """Sign people in through nginx, a few at once; the seconds that each complete sign-in took."""

    def sign_in(number: int, person: Account) -> float | None:
        with stack.front.client(f"127.0.1.{number + 1}") as browser:
            began = monotonic()
            password = browser.post("/api/auth/login", json={"email": person.email, "password": person.password})
            done = browser.post("/api/auth/totp/verify", json={"code": code_of(person)})
            took = monotonic() - began
            return took if (password.status_code, done.status_code) == (200, 200) else None

    def all_of_them() -> list[float]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [took for took in pool.map(sign_in, range(len(people)), people) if took is not None]

    return await asyncio.to_thread(all_of_them)


def percentile(seconds: list[float], percent: int) -> float:
    return sorted(seconds)[len(seconds) * percent // 100]
