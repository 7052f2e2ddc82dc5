"""After this version's migration, while the previous version still serves: neither disturbs the other."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from focys.features.email_code import CodeIssue
from focys.features.lockout import second_factor_failures
from focys.features.login import pending_logins
from focys.features.outbox import outbox
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.crypto.tokens import digest, new_token
from focys.infra.db.database import Change
from tests.conftest import world_on
from tests.support.guide import DRIVERS, Deployment
from tests.support.keyed import email_codes_of
from tests.support.rows import rows_of
from tests.support.service import Account, Browser, World

BEFORE, OLD_SECRET = "0007", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ADDED = {
    "users": {"charge_seq", "ticket_mac", "ticket_expires_at"},
    "pending_logins": {"code_source"},
    "second_factor_failures": {"strong", "network"},
    "backup_codes": {"unsaved_set"},
    "sessions": {"stepped_up_at", "stepped_up_by"},
}
"""The columns that the previous version does not name."""


def as_before(table: sa.Table, row: dict[str, Any]) -> Change:
    """A row as the previous version inserts it: without the columns that it does not know."""
    assert not row.keys() & ADDED.get(table.name, set())
    return Change(table, row)


async def tables_of(deployment: Deployment) -> dict[str, dict[str, dict[str, Any]]]:
    """Every table with its columns, as the database itself describes them."""
    scheme, _, rest = deployment.url.partition("://")
    engine = create_async_engine(f"{DRIVERS[scheme]}://{rest}", poolclass=NullPool)

    def described(connection: sa.Connection) -> dict[str, dict[str, dict[str, Any]]]:
        found = sa.inspect(connection)
        return {name: {str(c["name"]): dict(c) for c in found.get_columns(name)} for name in found.get_table_names()}

    async with engine.connect() as connection:
        tables = await connection.run_sync(described)
    await engine.dispose()
    return tables


async def test_the_schema_is_compatible_with_the_previous_version(deployment: Deployment):
    """CFG-08: expand first, contract a release later."""
    await deployment.alembic(f"upgrade {BEFORE}")
    before = await tables_of(deployment)
    await deployment.alembic("upgrade head")
    after = await tables_of(deployment)

    for name, columns in before.items():
        for column, described in columns.items():
            kept = after[name][column]
            assert str(kept["type"]) == str(described["type"])
            assert kept["nullable"] == described["nullable"]
        new = {column: after[name][column] for column in after[name].keys() - columns.keys()}
        assert new.keys() == ADDED.get(name, set())
        assert all(column["nullable"] or column["default"] is not None for column in new.values())
    assert after.keys() - before.keys() == {"totp_setups"}


@pytest.fixture
async def world(deployment: Deployment) -> AsyncIterator[World]:
    """This version on the migrated database."""
    await deployment.alembic("upgrade head")
    async with world_on(deployment.url) as world:
        yield world


@dataclass
class Earlier:
    """The previous version, simulated by its writes."""

    world: World

    async def failures(self, account: Account, number: int) -> None:
        now = self.world.clock.now()
        rows = [
            {"id": uuid4(), "user_id": account.id, "browser_id": None, "login_id": uuid4(), "at": now}
            for _ in range(number)
        ]
        await self.world.services.database.write(*(as_before(second_factor_failures, row) for row in rows))

    async def login(self, account: Account, step: str, *, epoch: int, is_mailed: bool = False) -> tuple[Browser, UUID]:
        """A browser with a login that the previous version started."""
        now, login_token, login_id, browser = self.world.clock.now(), new_token(), uuid4(), self.world.a_browser()
        until = now + timedelta(minutes=5)
        row = {"id": login_id, "handle_hash": digest(login_token), "user_id": account.id, "step": step, "epoch": epoch}
        code = {"code_issue": int(is_mailed), "code_long": False, "code_tries": 0}
        mailed = {"code_sent_at": now, "code_expires_at": until} if is_mailed else {}
        times = {"created_at": now, "expires_at": until}
        await self.world.services.database.write(as_before(pending_logins, {**row, **code, **times, **mailed}))
        browser.http.cookies.set("focys_login", login_token)
        return browser, login_id


@pytest.fixture
def earlier(world: World) -> Earlier:
    return Earlier(world)


async def test_failures_counted_by_the_previous_version_lock(world: World, earlier: Earlier):
    """LOCK-01: five are five, whichever version counts them."""
    account = await world.an_account(enrolled=True)
    await earlier.failures(account, 4)
    browser = await world.at_second_factor(account)

    state = (await browser.get("/auth/login")).json()
    locked = await browser.offer("000000")

    assert state["tries_left"] == 1
    assert locked.json()["code"] == "account_locked"


async def test_failures_from_before_the_upgrade_still_count(deployment: Deployment):
    """LOCK-05: a year of memory outlives a migration."""
    await deployment.alembic("upgrade head")
    async with world_on(deployment.url) as world:
        account = await world.an_account(enrolled=True)
        await Earlier(world).failures(account, 4)
    await deployment.alembic(f"downgrade {BEFORE}")
    await deployment.alembic("upgrade head")

    async with world_on(deployment.url, clock=world.clock) as world:
        browser = await world.at_second_factor(account)
        state = (await browser.get("/auth/login")).json()
        locked = await browser.offer("000000")

    assert state["tries_left"] == 1
    assert locked.json()["code"] == "account_locked"


async def test_a_login_started_by_the_previous_version_can_be_completed(world: World, earlier: Earlier):
    account = await world.an_account(enrolled=True)
    browser, _ = await earlier.login(account, "totp", epoch=1)

    done = await browser.offer(account.code(world.clock))

    assert (done.status_code, done.json()["step"]) == (200, "done")


async def test_a_code_emailed_by_the_previous_version_works(world: World, earlier: Earlier):
    account = await world.an_account()
    browser, login_id = await earlier.login(account, "email_code", epoch=0, is_mailed=True)
    about = {"login": str(login_id), "issue": 1, "long": False, "source": "192.0.2.1"}
    expires = world.clock.now() + timedelta(minutes=5)
    row = {
        "id": uuid4(),
        "user_id": account.id,
        "kind": "email_code",
        "about": {**about, "expires": expires.isoformat()},
    }
    times = {"created_at": world.clock.now(), "due_at": world.clock.now(), "tries": 0}
    await world.services.database.write(as_before(outbox, {**row, **times}))
    await world.deliver()

    proven = await browser.post("/auth/email-code/verify", {"code": world.mail.last_code(account.email)})

    assert proven.json().get("step") == "enroll", proven.text
    assert email_codes_of(world.services).is_right(
        CodeIssue(login_id, 1, False, expires), world.mail.last_code(account.email)
    )


async def test_an_enrollment_started_by_the_previous_version_restarts(
    world: World, deployment: Deployment, earlier: Earlier
):
    """TOTP-10: that secret belonged to no login, so it must not be shown again."""
    account = await world.an_account()
    browser, _ = await earlier.login(account, "enroll", epoch=0)
    sealed = SecretBox(KeyRing(world.services.settings.keys)).seal(OLD_SECRET, account.id)
    key = account.id.hex if deployment.url.startswith("sqlite") else account.id
    await deployment.sql(
        "INSERT INTO totp_enrolments (user_id, secret, created_at, expires_at)"
        " VALUES (:user, :sealed, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
        user=key,
        sealed=sealed,
    )
    account.secret = OLD_SECRET

    old = await browser.post("/auth/mfa/confirm", {"code": account.code(world.clock)})
    account.secret = (await browser.post("/auth/mfa/enroll")).json()["secret"]
    done = await browser.post("/auth/mfa/confirm", {"code": account.code(world.clock)})

    assert (old.status_code, old.json()["code"]) == (409, "enrolment_expired")
    assert account.secret != OLD_SECRET
    assert (done.status_code, done.json()["step"]) == (200, "done")


async def test_a_success_conflicts_with_an_attempt_of_the_previous_version(world: World, deployment: Deployment):
    """LOCK-02, TOTP-04: its compare-and-set on the account fails, so that no code works in both."""
    account = await world.an_account(enrolled=True)
    read = (await deployment.sql("SELECT attempt_seq FROM users"))[0][0]
    await world.signed_in(account)

    spend = "UPDATE users SET attempt_seq = attempt_seq + 1 WHERE attempt_seq = :read"
    await deployment.sql(spend, read=read)

    assert (await deployment.sql("SELECT attempt_seq FROM users"))[0][0] == read + 1
    assert len(await rows_of(world, second_factor_failures)) == 0
