"""The guide's earlier database, in use, becomes this version's: nobody waits for long, and nothing stays readable."""

import asyncio
import contextlib
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import httpx
import pytest
from argon2 import PasswordHasher

from focys.features.totp import new_secret
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.db.postgres import LOCK_TIMEOUT_MS
from focys.infra.db.schema import needed_revision
from tests.conftest import SECRET_KEY
from tests.deploy.service import service_in
from tests.faults.report import Tell
from tests.support.guide import Deployment
from tests.support.processes import Server
from tests.support.service import PASSWORD, Account
from tests.support.waiting import until_it_holds
from tests.support.workers import RemoteBrowser, code_of

PEOPLE = 20_000
SIGNING_IN = 8
RESTART_SECONDS = 0.3
PATIENCE_SECONDS = 60
EARLIER = "0002"
BEFORE = "0007"
# An attempt, the start of a login and a set-up, with the columns that the previous version knows.
READ_BEFORE = """
SELECT users.totp_secret, users.attempt_seq, pending_logins.step, second_factor_failures.at
FROM users
LEFT JOIN pending_logins ON pending_logins.user_id = users.id
LEFT JOIN second_factor_failures ON second_factor_failures.user_id = users.id
WHERE users.id = $1
"""
WRITE_BEFORE = """
WITH guard AS (UPDATE users SET attempt_seq = attempt_seq + 1 WHERE id = $1 RETURNING id),
failure AS (
    INSERT INTO second_factor_failures (id, user_id, browser_id, login_id, at)
    SELECT gen_random_uuid(), id, NULL, gen_random_uuid(), now() FROM guard
),
login AS (
    INSERT INTO pending_logins (id, handle_hash, user_id, step, epoch, created_at, expires_at, consumed_at,
                                code_issue, code_long, code_tries, code_sent_at, code_expires_at)
    SELECT gen_random_uuid(), sha256(convert_to(gen_random_uuid()::text, 'UTF8')), id, 'totp', 0, now(), now(), NULL,
           0, false, 0, NULL, NULL
    FROM guard
)
INSERT INTO totp_enrolments (user_id, secret, created_at, expires_at) SELECT id, 'v1.', now(), now() FROM guard
ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret
"""


@pytest.fixture
def earlier(pristine: Path, focys_db: str) -> Deployment:
    """The guide's earlier version's database, before its users."""
    deployment = Deployment(pristine, focys_db)
    deployment.done(f"alembic upgrade {EARLIER}")
    return deployment


async def people_of(earlier: Deployment, number: int) -> list[Account]:
    """Users as the earlier version left them: the secret of each in clear."""
    hashed = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(PASSWORD)
    people = [Account(uuid4(), f"p{i}@student.com", PASSWORD, new_secret()) for i in range(number)]
    now = datetime.now(UTC)
    columns = ["id", "email", "password_hash", "display_name", "created_at", "updated_at", "totp_secret", "mfa_enabled"]
    async with connected(earlier.url) as connection:
        await connection.copy_records_to_table(
            "users", columns=columns, records=[(a.id, a.email, hashed, "", now, now, a.secret, True) for a in people]
        )
    return people


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_upgrading_twenty_thousand_users_blocks_nobody(earlier: Deployment, tmp_path: Path, tell: Tell):
    """CFG-08, CRY-01, CRY-05: killed once in the middle of it, while the new version starts again and again."""
    people = await people_of(earlier, PEOPLE)
    # One worker: where two fail at once, gunicorn itself may print a traceback after the sentence.
    server = service_in(tmp_path, earlier.url, workers=1)

    async with kept_up(server) as starts, in_use(earlier.url, people) as use:
        signing_in = [asyncio.create_task(sign_in(server, person)) for person in people[:SIGNING_IN]]
        await until_it_holds(lambda: starts.refused > 0, PATIENCE_SECONDS)
        await killed_half_way(earlier)
        began = monotonic()
        upgraded = await asyncio.to_thread(earlier.run, "alembic upgrade head")
        took = monotonic() - began
        steps = await asyncio.gather(*signing_in)

    async with connected(earlier.url) as connection:
        rows = await connection.fetch("SELECT id, totp_secret FROM users")
    kept = await earlier.file_of_users()
    box, secrets = SecretBox(KeyRing((SECRET_KEY,))), {person.id: person.secret for person in people}
    assert upgraded.returncode == 0, upgraded.stderr
    assert await earlier.revision() == needed_revision()
    assert "alembic upgrade head" in server.output()
    assert "Traceback" not in server.output()
    assert use.reads > 50
    assert use.writes > 50
    known = set(secrets.values())
    tell(
        f"Upgraded {PEOPLE} users in {took:.1f} s, killed half-way once, under {use.reads} reads and {use.writes} "
        f"writes, of which none waited for longer than {use.slowest:.2f} s, while the new version refused to start "
        f"{starts.refused} times",
        lost={
            "authenticators": [box.open(row["totp_secret"], row["id"]) == secrets[row["id"]] for row in rows].count(
                False
            )
            + (PEOPLE - len(rows)),
            "secrets readable in the table's file": sum(
                text.decode() in known for text in re.findall(rb"(?=([A-Z2-7]{32}))", kept)
            ),
            "reads and writes that waited for longer than the service would": len(use.failed),
            "sign-ins": [step == "done" for step in steps].count(False),
        },
    )


async def test_downgrading_twenty_thousand_users_restores_the_earlier_form(earlier: Deployment):
    people = await people_of(earlier, PEOPLE)
    earlier.done("alembic upgrade head")

    earlier.done(f"alembic downgrade {EARLIER}")

    rows = await earlier.sql("SELECT id, totp_secret, mfa_enabled FROM users")
    assert {row[0]: row[1] for row in rows} == {person.id: person.secret for person in people}
    assert {row[2] for row in rows} == {True}


async def test_the_previous_version_serves_during_the_newest_migration(pristine: Path, focys_db: str, tell: Tell):
    """CFG-08: and as long as it likes between the two."""
    before = Deployment(pristine, focys_db)
    before.done(f"alembic upgrade {BEFORE}")
    people = await people_of(before, PEOPLE // 10)

    async with in_use(before.url, people, READ_BEFORE, WRITE_BEFORE) as use:
        phases = []
        for command in ("upgrade head", f"downgrade {BEFORE}", "upgrade head"):
            asked = use.reads + use.writes
            done = await asyncio.to_thread(before.run, f"alembic {command}")
            assert done.returncode == 0, done.stderr
            await asyncio.sleep(0.5)
            phases.append(use.reads + use.writes - asked)

    rows = await before.sql("SELECT count(*) FROM second_factor_failures WHERE NOT strong AND network IS NULL")
    assert await before.revision() == needed_revision()
    assert min(phases) > 20
    tell(
        f"The version before read {use.reads} times and wrote {use.writes} times around the newest migration, which was "
        f"made, taken back and made again; none waited for longer than {use.slowest:.2f} s",
        lost={
            "reads and writes that failed": len(use.failed),
            "failures that it counted": max(0, use.writes - rows[0][0]),
        },
    )


async def test_a_busy_table_is_retried_and_blocks_nobody(earlier: Deployment):
    """CFG-08: an ALTER that waits makes everybody wait who comes after it."""
    [person] = await people_of(earlier, 1)
    async with connected(earlier.url) as reader, connected(earlier.url) as other:
        async with reader.transaction():
            await reader.fetch("SELECT * FROM users")
            upgrading = asyncio.create_task(asyncio.to_thread(earlier.run, "alembic upgrade head"))
            await until_waiting(other)
            await other.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
            for _ in range(20):
                await other.fetch("SELECT * FROM users WHERE id = $1", person.id)
                await asyncio.sleep(0.1)
            held = upgrading.done()
        done = await upgrading

    assert not held
    assert done.returncode == 0, done.stderr
    assert await earlier.revision() == needed_revision()


async def until_waiting(connection: Any) -> None:
    """Return when somebody waits for a table."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND NOT granted AND database = "
    mine = await connection.fetchval("SELECT oid FROM pg_database WHERE datname = current_database()")
    deadline = monotonic() + PATIENCE_SECONDS
    while not await connection.fetchval(f"{waiting}{mine}"):
        assert monotonic() < deadline
        await asyncio.sleep(0.01)


async def killed_half_way(earlier: Deployment) -> None:
    """Begin the upgrade, and kill it when it has sealed some secrets and not yet all."""
    command = ["alembic", "upgrade", "head"]
    with subprocess.Popen(  # noqa: ASYNC220  it is a program of the guide's
        command, cwd=earlier.backend, env=earlier.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as upgrading:
        async with connected(earlier.url) as connection:
            deadline = monotonic() + PATIENCE_SECONDS
            while not await connection.fetchval("SELECT EXISTS (SELECT 1 FROM users WHERE totp_secret LIKE 'v1.%')"):
                assert upgrading.poll() is None
                assert monotonic() < deadline
                await asyncio.sleep(0.01)
        upgrading.send_signal(signal.SIGKILL)
    async with connected(earlier.url) as connection:
        sealed = await connection.fetchval("SELECT count(*) FROM users WHERE totp_secret LIKE 'v1.%'")
    assert 0 < sealed < PEOPLE
    assert await earlier.revision() == EARLIER


@dataclass
class Starts:
    """How the new version fared: how often it refused to start."""

    refused: int = 0


@asynccontextmanager
async def kept_up(server: Server) -> AsyncIterator[Starts]:
    """Start the server whenever it has ended, as the unit does, until the block ends."""
    starts = Starts()

    async def supervise() -> None:
        while True:
            server.start()
            await asyncio.to_thread(server.wait_for_end)
            starts.refused += 1
            await asyncio.sleep(RESTART_SECONDS)

    supervising = asyncio.create_task(supervise())
    try:
        yield starts
    finally:
        supervising.cancel()
        await asyncio.gather(supervising, return_exceptions=True)
        await asyncio.to_thread(server.stop)


@dataclass
class Use:
    """What the earlier version asked of its table meanwhile."""

    reads: int = 0
    writes: int = 0
    slowest: float = 0.0
    failed: list[str] = field(default_factory=list)


@asynccontextmanager
async def in_use(
    url: str,
    people: list[Account],
    read: str = "SELECT email, totp_secret FROM users WHERE id = $1",
    write: str = "UPDATE users SET updated_at = now() WHERE id = $1",
) -> AsyncIterator[Use]:
    """Read and write as the earlier version does, and wait for locks no longer than the service itself."""
    use = Use()

    async def ask(statement: str, kind: str) -> None:
        async with connected(url) as connection:
            await connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
            for number in range(10**6):
                began = monotonic()
                try:
                    await connection.execute(statement, people[number * 37 % len(people)].id)
                except asyncpg.PostgresError as fault:
                    use.failed.append(f"{kind}: {fault}")
                use.slowest = max(use.slowest, monotonic() - began)
                setattr(use, kind, getattr(use, kind) + 1)
                await asyncio.sleep(0.01)

    asking = [
        asyncio.create_task(ask(read, "reads")),
        asyncio.create_task(ask(write, "writes")),
    ]
    try:
        yield use
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def sign_in(server: Server, person: Account) -> str:
    """Try until the service is there; the step that the first complete try leads to."""
    browser = RemoteBrowser([server])
    deadline = monotonic() + PATIENCE_SECONDS
    try:
        while True:
            assert monotonic() < deadline
            with contextlib.suppress(httpx.TransportError):
                if await browser.sign_in_with_password(person) != "totp":
                    return "no second step"
                break
            await asyncio.sleep(0.1)
        return str((await browser.offer(code_of(person))).json().get("step"))
    finally:
        await browser.http.aclose()
