"""The guide's migrations as processes: up, down and up again, with people in the database."""

from asyncio import create_task, sleep, to_thread
from pathlib import Path
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from tests.conftest import world_on
from tests.support.attempts import at_enrollment
from tests.support.guide import Deployment
from tests.support.service import OPERATOR, PASSWORD, Account, World

HEAD = "0011"
DESTROY_RECORDS = "-x destroy-records=yes"
DESTROY = f"{DESTROY_RECORDS} -x destroy-credentials=yes"
ADVISORY_LOCK = 4_602_697


async def enroll_somebody(deployment: Deployment) -> Account:
    """An account that has everything an account can have, made by the service itself."""
    async with world_on(deployment.url) as world:
        account = await world.an_account(enrolled=True)
        await world.signed_in(account)
        stranger = await world.at_second_factor(account, world.a_browser("203.0.113.4"))
        await stranger.offer("000000")
    return account


async def sign_in(url: str, account: Account, *, secret: str | None) -> str:
    """Sign in on the migrated database and return where that leads."""
    async with world_on(url) as world:
        world.clock.advance(minutes=5)
        browser = world.a_browser()
        step = (await browser.sign_in_with_password(account)).json()["step"]
        if step != "totp":
            return str(step)
        assert secret is not None
        return str((await browser.offer(pyotp.TOTP(secret).at(world.clock.now()))).json()["step"])


async def test_every_revision_can_be_reverted_with_data(deployment: Deployment):
    """CFG-08: what would destroy credentials refuses first, and does it only when it is asked by name."""
    await deployment.alembic("upgrade head")
    account = await enroll_somebody(deployment)

    for below in ("0010", "0009", "0008", "0007", "0006", "0005"):
        assert await deployment.alembic("downgrade -1") == ""
        assert await deployment.revision() == below
    assert await deployment.alembic(f"{DESTROY_RECORDS} downgrade 0004") == ""
    assert await deployment.sql("DELETE FROM audit_events") == []
    assert "destroy 10 unspent backup codes" in await refusal_at(deployment, "0004")
    await deployment.alembic("upgrade head")
    assert await sign_in(deployment.url, account, secret=account.secret) == "done"

    for below in ("0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003"):
        assert await deployment.alembic(f"{DESTROY} downgrade -1") == ""
        assert await deployment.revision() == below
    assert await deployment.alembic("downgrade -1") == ""
    assert await deployment.sql("SELECT totp_secret FROM users") == [(account.secret,)]
    assert "destroy 1 enrolled authenticators" in await refusal_at(deployment, "0002")
    await deployment.alembic("upgrade head")
    assert await sign_in(deployment.url, account, secret=account.secret) == "done"

    assert await deployment.alembic(f"{DESTROY} downgrade 0001") == ""
    assert "destroy 1 accounts" in await refusal_at(deployment, "0001")
    await deployment.alembic("upgrade head")
    assert await sign_in(deployment.url, account, secret=None) == "email_code"

    assert await deployment.alembic(f"{DESTROY} downgrade base") == ""
    assert await deployment.revision() is None
    await deployment.alembic("upgrade head")
    assert await deployment.sql("SELECT count(*) FROM users") == [(0,)]


async def test_locks_and_audit_are_deleted_only_on_request(deployment: Deployment):
    """CFG-08, LOG-04: a downgrade says how much it would delete, and what to type to go on."""
    await deployment.alembic("upgrade head")
    await enroll_somebody(deployment)
    await deployment.alembic("downgrade 0005")
    [(events,)] = await deployment.sql("SELECT count(*) FROM audit_events")

    of_locks = await refusal_at(deployment, "0005")
    await deployment.alembic(f"{DESTROY_RECORDS} downgrade -1")
    of_the_audit = await refusal_at(deployment, "0004")
    of_codes = await deployment.alembic(f"{DESTROY_RECORDS} downgrade -1")

    assert "destroy 1 counted wrong codes, with the locks that follow from them, " in of_locks
    assert "2 known browsers. Nothing was changed." in of_locks
    assert f"alembic {DESTROY_RECORDS} downgrade -1" in of_locks
    assert f"destroy {events} audit events." in of_the_audit
    assert f"alembic {DESTROY} downgrade -1" in of_codes
    assert await deployment.revision() == "0004"


async def test_reverting_the_newest_revisions_loses_nothing_else(deployment: Deployment):
    """CFG-08: an attempt in progress, a lock and a set-up are no credentials; everything else stays."""
    await deployment.alembic("upgrade head")
    account = await enroll_somebody(deployment)
    async with world_on(deployment.url) as world:
        await at_enrollment(world, await world.an_account("carol@student.com"))
    before = await counts_of(deployment)

    refused = await deployment.alembic("downgrade 0007")
    below = await counts_of(deployment)
    await deployment.alembic("upgrade head")
    after = await counts_of(deployment)

    assert refused == ""
    assert (before["totp_setups"], before["second_factor_failures"], before["backup_codes"]) == (1, 1, 10)
    assert below == {name: number for name, number in before.items() if name != "totp_setups"}
    assert after == {**before, "totp_setups": 0}
    assert await deployment.sql("SELECT DISTINCT strong, network FROM second_factor_failures") == [(False, None)]
    assert await sign_in(deployment.url, account, secret=account.secret) == "done"


async def test_no_downgrade_while_an_account_waits_for_its_ticket(deployment: Deployment):
    """ADM-03, CFG-08: the previous version would let password and mailbox enroll."""
    await deployment.alembic("upgrade head")
    account = await enroll_somebody(deployment)
    async with world_on(deployment.url) as world:
        await world.reset_mfa(account)

    await deployment.alembic("downgrade 0009")
    assert "destroy 1 enrollment tickets" in await refusal_at(deployment, "0009")

    await deployment.alembic("upgrade head")
    async with world_on(deployment.url) as world:
        await world.services.administration.reset_mfa(account.email, OPERATOR, with_ticket=False)
    assert await deployment.alembic("downgrade 0008") == ""


async def counts_of(deployment: Deployment) -> dict[str, int]:
    """How many rows each table has."""
    catalog = "sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    if not deployment.url.startswith("sqlite"):
        catalog = "(SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public') AS found"
    names = [name for (name,) in await deployment.sql(f"SELECT name FROM {catalog}")]
    return {name: (await deployment.sql(f"SELECT count(*) FROM {name}"))[0][0] for name in sorted(names)}


async def refusal_at(deployment: Deployment, revision: str) -> str:
    """What one step down says at a revision, having changed nothing."""
    before = await deployment.sql("SELECT * FROM users")
    refused = await deployment.alembic("downgrade -1")
    assert await deployment.sql("SELECT * FROM users") == before
    assert await deployment.revision() == revision
    return refused


async def test_a_refused_downgrade_changes_nothing(deployment: Deployment):
    await deployment.alembic("upgrade head")
    await enroll_somebody(deployment)
    sessions = await deployment.sql("SELECT count(*) FROM sessions")

    refused = await deployment.alembic("downgrade base")

    assert "Nothing was changed" in refused
    assert await deployment.revision() == HEAD
    assert await deployment.sql("SELECT count(*) FROM sessions") == sessions


async def test_the_guides_migration_commands_work_or_explain_why_not(pristine: Path, focys_db: str):
    """CFG-08: as above, as the guide types it."""
    deployment = Deployment(pristine, focys_db)
    deployment.done("alembic upgrade head")
    await enroll_somebody(deployment)

    deployment.done("alembic downgrade -1")
    refused = deployment.run("alembic downgrade -6")
    deployment.done(f"alembic {DESTROY} downgrade -6 && alembic upgrade head")

    assert refused.returncode == 1
    assert "Nothing was changed." in refused.stderr
    assert refused.stderr.splitlines()[-1] == f"If you want that: alembic {DESTROY_RECORDS} downgrade -6"
    assert await deployment.revision() == HEAD


async def test_the_models_and_the_migrations_agree(deployment: Deployment):
    await deployment.alembic("upgrade head")

    assert await deployment.alembic("check") == ""


async def test_the_guides_earlier_database_keeps_its_authenticators(deployment: Deployment):
    """CRY-01, CRY-05: no secret stays readable, in the file neither, and the old version gets its own back."""
    secret = pyotp.random_base32()
    account = Account(uuid4(), "alice@student.com", PASSWORD, secret)
    await deployment.alembic("upgrade 0002")
    await deployment.sql(
        "INSERT INTO users (id, email, password_hash, display_name, created_at, updated_at, totp_secret, mfa_enabled)"
        " VALUES (:id, :email, :hash, 'Alice', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, :secret, TRUE)",
        id=account.id.hex if deployment.url.startswith("sqlite") else account.id,
        email=account.email,
        hash=PasswordHasher().hash(PASSWORD),
        secret=secret,
    )

    await deployment.alembic("upgrade head")
    ((stored,),) = await deployment.sql("SELECT totp_secret FROM users")
    kept = await deployment.file_of_users()
    signed_in = await sign_in(deployment.url, account, secret=secret)
    # Who signs in without a backup code is given ten.
    await deployment.alembic(f"{DESTROY} downgrade 0002")

    assert signed_in == "done"
    assert stored.startswith("v1.")
    assert secret not in stored
    assert stored.encode() in kept
    assert secret.encode() not in kept
    assert await deployment.sql("SELECT totp_secret, mfa_enabled FROM users") == [(secret, True)]


async def test_two_migrations_at_once_both_succeed(pristine: Path, focys_db: str):
    deployment = Deployment(pristine, focys_db)
    gate = await asyncpg.connect(deployment.url)
    await gate.execute(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")

    both = [create_task(to_thread(deployment.run, "alembic upgrade head")) for _ in range(2)]
    try:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        for _ in range(600):
            if await gate.fetchval(waiting) == 2:
                break
            await sleep(0.05)
        held = [task.done() for task in both]
    finally:
        await gate.close()
    results = [await task for task in both]

    assert held == [False, False]
    assert [result.returncode for result in results] == [0, 0], results
    assert await deployment.revision() == HEAD


@pytest.mark.parametrize(("policy", "step"), [("required", "email_code"), ("optional", "done")])
async def test_clearing_the_mfa_flag_depends_on_the_policy(database_url: str, policy: str, step: str):
    """TOTP-16: under ``required`` a password alone opens nothing, whatever the flag says."""
    async with world_on(database_url) as world:
        account = await world.an_account(enrolled=True)
    async with world_on(database_url, clock=world.clock, mfa_policy=policy) as world:
        in_progress = await world.at_second_factor(account)

        await execute(world, "UPDATE users SET mfa_enabled = false;")
        browser = world.a_browser()
        response = await browser.sign_in_with_password(account)

        assert response.json()["step"] == step
        assert ("access_token" in response.json()) is (policy == "optional")
        assert ("focys_refresh" in browser.http.cookies) is (policy == "optional")
        # A login that began before is over, and the authenticator is still there to be turned on again.
        assert (await in_progress.offer(account.code(world.clock))).json()["code"] == "login_expired"
        await execute(world, "UPDATE users SET mfa_enabled = true;")
        again = await world.at_second_factor(account)
        assert (await again.offer(account.code(world.clock))).status_code == 200


async def test_a_cleared_flag_leads_to_a_new_enrollment(world: World):
    account = await world.an_account(enrolled=True)
    old = account.secret
    await execute(world, "UPDATE users SET mfa_enabled = false;")

    await world.enroll(account, world.a_browser())

    assert account.secret != old
    signed_in, _ = await world.signed_in(account)
    assert signed_in is not None


async def execute(world: World, statement: str) -> None:
    async with world.services.database.engine.connect() as connection:
        await connection.execute(text(statement))
