"""Ready means that a sign-in would work: database, schema, keys, and clocks that agree."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.db.schema import SCHEMA, migrate
from focys.infra.ops.clock import DatabaseClock
from focys.infra.web.health import GOOD_FOR_SECONDS, Readiness
from tests.cluster import Cluster
from tests.conftest import SECRET_KEY, settings_for, world_on
from tests.support.faketime import SteppedClock
from tests.support.processes import Server, copy_backend, environment, free_port, serving
from tests.support.service import World
from tests.support.statements import statements_of

OTHER_KEY = "another-key-of-the-tests-that-is-long-enough-987"


class Ahead:
    """A machine whose clock is wrong."""

    def __init__(self, seconds: float) -> None:
        self._by = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


async def execute(world: World, sql: str, **values: Any) -> None:
    async with world.services.database.engine.connect() as connection:
        await connection.execute(text(sql), values)


def readiness_of(world: World, **changed: Any) -> Readiness:
    services = world.services
    clock = changed.pop("clock", services.clock)
    return Readiness(services.database, clock, services.totp.can_open_secrets, **changed)


async def test_a_healthy_service_is_ready(world: World):
    await world.an_account(enrolled=True)

    response = await world.a_browser().get("/health/ready")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_the_response_names_the_failing_part_only(world: World):
    await execute(world, "UPDATE alembic_version SET version_num = '9999'")
    await execute(world, "UPDATE schema_support SET oldest = '9999'")

    response = await world.a_browser().get("/health/ready")

    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"] == "5"
    assert response.json() == {
        "type": "urn:focys:problem:unavailable",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "The service cannot be reached just now. Try again in 5 seconds.",
        "code": "unavailable",
        "retry_after": 5,
        "failing": ["schema"],
    }


async def test_secrets_that_no_key_opens_make_keys_fail(world: World):
    """CRY-08: as after restoring the backup of another service."""
    account = await world.an_account(enrolled=True)
    sealed = SecretBox(KeyRing((OTHER_KEY,))).seal("A" * 32, account.id)
    await execute(world, "UPDATE users SET totp_secret = :sealed", sealed=sealed)

    assert await readiness_of(world).failing() == ["keys"]


async def test_a_key_that_was_removed_too_early_is_found_at_the_start(
    database_url: str, capsys: pytest.CaptureFixture[str]
):
    """CRY-04: however many secrets the other keys decrypt; the log names the missing key and counts its secrets."""
    old, new = SecretBox(KeyRing((OTHER_KEY,))), SecretBox(KeyRing((SECRET_KEY,)))
    async with world_on(database_url) as world:
        for number in range(25):
            account = await world.an_account(f"student-{number}@student.com")
            sealed = (old if number == 24 else new).seal("A" * 32, account.id)
            await execute(
                world, f"UPDATE users SET totp_secret = :sealed WHERE email = '{account.email}'", sealed=sealed
            )

    async with world_on(database_url) as world:
        incomplete = await readiness_of(world).failing()
    told = capsys.readouterr().err
    async with world_on(database_url, secret_key_fallbacks=[OTHER_KEY]) as world:
        complete = await readiness_of(world).failing()

    assert (incomplete, complete) == (["keys"], [])
    (line,) = [line for line in told.splitlines() if "secrets_without_a_key" in line]
    assert f"1 need the key {old.key_ids[0]}" in line


@pytest.mark.parametrize(
    ("seconds", "failing"), [(0, []), (14, []), (-14, []), (16, ["clock"]), (-16, ["clock"]), (7200, ["clock"])]
)
async def test_a_machine_with_a_wrong_clock_is_not_ready(world: World, seconds: int, failing: list[str]):
    assert await readiness_of(world, machine=Ahead(seconds)).failing() == failing


@pytest.mark.parametrize(("seconds", "failing"), [(0, []), (14, []), (16, ["clock"]), (-16, ["clock"])])
async def test_a_service_with_a_wrong_database_clock_is_not_ready(world: World, seconds: int, failing: list[str]):
    clock = DatabaseClock()
    clock.set(datetime.now(UTC) + timedelta(seconds=seconds))

    assert await readiness_of(world, clock=clock).failing() == failing


async def test_every_failing_part_is_named(world: World):
    await execute(world, "DELETE FROM alembic_version")

    assert await readiness_of(world, machine=Ahead(60)).failing() == ["schema", "clock"]


async def test_a_flood_of_checks_queries_the_database_once(world: World):
    readiness = readiness_of(world)
    await readiness.failing()
    await asyncio.sleep(GOOD_FOR_SECONDS)
    with statements_of(world.services.database) as asked:
        responses = await asyncio.gather(*(readiness.failing() for _ in range(500)))
        again = [await readiness.failing() for _ in range(100)]

    assert [*responses, *again] == [[]] * 600
    # The service itself asks other things meanwhile.
    assert 1 <= sum("alembic_version" in statement for statement in asked) <= 2


async def test_a_canceled_check_does_not_affect_others(world: World):
    readiness = readiness_of(world)
    first, second = (asyncio.create_task(readiness.failing()) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()

    assert await second == []


@pytest.mark.parametrize(("oldest", "failing"), [(SCHEMA, []), ("9999", ["schema"]), (None, ["schema"])])
async def test_a_newer_schema_is_ready_if_its_version_says_so(world: World, oldest: str | None, failing: list[str]):
    """CFG-08: during a rolling upgrade; of a version that says nothing, nobody knows."""
    await execute(world, "UPDATE alembic_version SET version_num = '9999'")
    await execute(world, f"UPDATE schema_support SET oldest = '{oldest}'" if oldest else "DROP TABLE schema_support")

    assert await readiness_of(world).failing() == failing


async def test_a_failure_is_not_cached(world: World):
    await execute(world, "UPDATE schema_support SET oldest = '9999'")
    await execute(world, "UPDATE alembic_version SET version_num = version_num || 'x'")
    readiness = readiness_of(world)
    before = await readiness.failing()

    await execute(world, "UPDATE alembic_version SET version_num = substr(version_num, 1, 4)")

    assert (before, await readiness.failing()) == (["schema"], [])


def test_a_stepped_clock_makes_the_service_not_ready(cluster: Cluster, tmp_path: Path):
    """CFG-09, AVL-07: with a real clock, which libfaketime steps."""
    clock = SteppedClock(tmp_path)
    url = cluster.create_database(f"stepped_{uuid4().hex[:8]}")
    migrate(settings_for(url).database)
    backend, port = copy_backend(tmp_path), free_port()
    env = environment(backend, DATABASE_URL=url, SECRET_KEY=SECRET_KEY, **clock.environment)
    server = Server(f"uvicorn main:app --port {port}", port=port, folder=backend, env=env, log=tmp_path / "output")

    with serving(server):
        stepped = []
        for seconds, status in ((90, 503), (-90, 503), (5, 200)):
            clock.step_to(seconds)
            stepped.append(answer_of(server, status))

    assert [response.status_code for response in stepped] == [503, 503, 200]
    assert [response.json().get("failing") for response in stepped] == [["clock"], ["clock"], None]


def answer_of(server: Server, status: int) -> httpx.Response:
    """Ask until the response of a moment ago no longer holds."""
    deadline = monotonic() + 60
    while True:
        response = httpx.get(f"{server.url}/health/ready", timeout=60)
        if response.status_code == status or monotonic() > deadline:
            return response
