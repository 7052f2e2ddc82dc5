"""A backup is restored, as the runbook says, and ``focys backup restored`` closes what it brought back."""

from asyncio import to_thread
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from focys.features.accounts import users
from focys.features.audit import audit_events
from focys.features.backup_codes import backup_codes
from focys.features.bypass import mfa_bypasses
from focys.features.outbox import outbox
from focys.features.sessions import sessions
from focys.features.totp import totp_setups
from focys.infra.db.database import Change, Database
from tests.cli.conftest import Focys
from tests.cluster import Cluster
from tests.conftest import MakeWorld, world_on
from tests.support.attempts import at_enrollment, at_mailed_code, confirm, enter_mailed_code, fail, use_backup_code
from tests.support.clock import FrozenClock
from tests.support.dumps import pg_dump, restore
from tests.support.jar import KNOWN, LOGIN, REFRESH, cookie, put
from tests.support.roles import psql_command
from tests.support.rows import count_of, rows_of
from tests.support.service import OPERATOR, Account, World

REASON = "the disk of Monday"
RUN = ("backup", "restored", "--yes", "--reason", REASON)


@dataclass
class Old:
    """What was handed out before the restore, by the name of what it is."""

    alice: Account
    bob: Account
    carol: Account
    access: str = ""
    totp_code: str = ""
    mailed_code: str = ""
    known: str = ""
    refresh: list[str] = field(default_factory=list)
    login_tokens: list[str] = field(default_factory=list)


def to_this_moment(world: World) -> None:
    """Let the service's time be the commands'."""
    world.clock.moment = datetime.now(UTC)


async def a_day_with_a_backup_in_it(world: World, backup: Path, url: str) -> Old:
    """People sign in; a backup is made; and the day goes on."""
    alice, bob = await world.an_account(enrolled=True), await world.an_account("bob@student.com", enrolled=True)
    old = Old(alice, bob, await world.an_account("carol@student.com"))
    browser, _ = await world.signed_in(alice)
    to_this_moment(world)
    in_progress = await world.at_second_factor(bob)
    at_mail = await at_mailed_code(world, old.carol)
    await world.services.bypasses.begin(timedelta(hours=1), "the phones are broken", OPERATOR, address=bob.email)
    await world.deliver()
    old.refresh.append(cookie(browser, REFRESH))
    old.login_tokens += [cookie(in_progress), cookie(at_mail)]
    old.known, old.mailed_code = cookie(browser, KNOWN), world.mail.last_code(old.carol.email)

    await to_thread(backup.write_bytes, await to_thread(pg_dump, url))

    old.access = (await browser.post("/auth/refresh")).json()["access_token"]
    old.refresh.append(cookie(browser, REFRESH))
    assert (await use_backup_code(await world.at_second_factor(alice), alice.backup_codes[0])).status_code == 200
    old.totp_code = alice.code(world.clock, 1)
    assert (await (await world.at_second_factor(alice)).offer(old.totp_code)).status_code == 200
    return old


@pytest.fixture
async def old(postgres_url: str, cluster: Cluster, tmp_path: Path) -> Old:
    """A day, at whose end the database is lost and the backup restored."""
    clock = FrozenClock(datetime.now(UTC) - timedelta(seconds=120))
    async with world_on(postgres_url, clock=clock) as world:
        old = await a_day_with_a_backup_in_it(world, tmp_path / "backup.sql", postgres_url)
    name = urlsplit(postgres_url).path[1:]
    await to_thread(cluster.drop_database, name)
    await to_thread(cluster.create_database, name)
    await to_thread(restore, postgres_url, tmp_path / "backup.sql")
    # As if it had been waiting when the backup was made.
    await to_thread(psql_command, postgres_url, "UPDATE outbox SET done_at = NULL WHERE kind = 'email_code'")
    return old


@pytest.fixture
async def world(old: Old, postgres_url: str) -> AsyncIterator[World]:
    """The service on the restored database."""
    async with world_on(postgres_url, clock=FrozenClock(datetime.now(UTC))) as world:
        yield world


@pytest.fixture
def focys(on_postgres: Focys) -> Focys:
    return on_postgres


async def test_a_restore_alone_revives_spent_credentials(old: Old, world: World):
    """Why the command is needed; and that the next test could fail."""
    code = await use_backup_code(await world.at_second_factor(old.alice), old.alice.backup_codes[0])
    again = await (await world.at_second_factor(old.alice)).offer(old.totp_code)
    session = await put(world.a_browser(), old.refresh[0], REFRESH).post("/auth/refresh")
    login_token = await put(world.a_browser(), old.login_tokens[1]).post(
        "/auth/email-code/verify", {"code": old.mailed_code}
    )
    bypassed = await world.a_browser().sign_in_with_password(old.bob)

    assert [response.status_code for response in (code, again, session, login_token, bypassed)] == [200] * 5
    assert bypassed.json()["step"] == "done"


async def test_nothing_issued_before_is_valid_afterward(old: Old, world: World, focys: Focys):
    result = await to_thread(focys, *RUN)
    to_this_moment(world)

    assert result.exit_code == 0, result.output
    stranger = world.a_browser()
    assert (await stranger.me(old.access)).status_code == 401
    for token in old.refresh:
        response = await put(world.a_browser(), token, REFRESH).post("/auth/refresh")
        assert (response.status_code, response.json()["code"]) == (401, "session_ended")
    assert (await put(stranger, old.login_tokens[0], LOGIN).offer(old.bob.code(world.clock))).json()[
        "code"
    ] == "login_expired"
    mailed = await enter_mailed_code(put(stranger, old.login_tokens[1]), old.mailed_code)
    assert mailed.json()["code"] == "login_expired"
    again = await world.at_second_factor(old.alice)
    assert (await again.offer(old.totp_code)).json()["code"] == "code_already_used"
    for code in old.alice.backup_codes[:3]:
        assert (await use_backup_code(again, code)).json()["code"] == "invalid_code"
    assert (await world.a_browser().sign_in_with_password(old.bob)).json()["step"] == "totp"


async def test_no_code_that_could_have_been_used_before_works(old: Old, world: World, focys: Focys):
    """AVL-09: not even that of a phone which is half a minute ahead."""
    await to_thread(focys, *RUN)
    to_this_moment(world)

    browser = await world.at_second_factor(old.alice)
    responses = [await browser.offer(old.alice.code(world.clock, steps)) for steps in (-1, 0, 1)]

    # The seconds that the command took may have brought one more step.
    assert {response.json().get("code") for response in responses[:2]} == {"code_already_used"}
    assert all(response.json()["retry_after"] <= 60 for response in responses[:2])
    assert responses[2].json().get("code", "done") in {"code_already_used", "done"}


async def test_a_known_browser_becomes_unknown(old: Old, world: World, focys: Focys):
    """AVL-09: the failures of strangers hold for it."""
    await to_thread(focys, *RUN)
    to_this_moment(world)
    await fail(world, old.alice, 5, world.a_browser("203.0.113.9"))

    browser = await world.at_second_factor(old.alice, put(world.a_browser(), old.known, KNOWN))

    assert (await browser.get("/auth/login")).json()["retry_after"] > 0


async def test_everyone_signs_in_with_the_app_and_gets_new_backup_codes(old: Old, world: World, focys: Focys):
    await to_thread(focys, *RUN)
    to_this_moment(world)
    world.clock.advance(seconds=90)

    for account in (old.alice, old.bob):
        response = (await (await world.at_second_factor(account)).offer(account.code(world.clock))).json()
        assert response["step"] == "done", response
        assert len(response["backup_codes"]) == 10
        assert set(response["backup_codes"]).isdisjoint(account.backup_codes)
        left = await use_backup_code(await world.at_second_factor(account), response["backup_codes"][0])
        assert left.json()["backup_codes_left"] == 9
    await world.enroll(old.carol, world.a_browser())


async def test_pending_emails_of_the_backup_are_not_sent(old: Old, focys: Focys, postgres_url: str):
    result = await to_thread(focys, *RUN)
    async with world_on(postgres_url, clock=FrozenClock(datetime.now(UTC))) as world:
        await world.deliver()

        assert "and discarded 3 pending emails." in result.stdout
        assert world.mail.emails == []
        assert None not in [row.done_at for row in await rows_of(world, outbox)]


async def test_it_is_audited_with_its_reason_and_reports_its_counts(old: Old, focys: Focys, postgres_url: str):
    result = await to_thread(focys, *RUN)

    assert result.stdout.splitlines() == [
        "✓ Ended 3 sessions, removed 20 backup codes and discarded 3 pending emails.",
        "✓ Everyone has to sign in again, with password and app, and is then shown new backup codes.",
    ]
    async with world_on(postgres_url) as world:
        events = [row for row in await rows_of(world, audit_events) if row.event == "backup restored"]
        assert [(e.outcome, e.detail, e.source.startswith("console:")) for e in events] == [("ok", REASON, True)]
        assert [row.ended_at is None for row in await rows_of(world, mfa_bypasses)] == [False]


async def test_it_is_all_or_nothing(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch):
    async with make_world() as world:
        await world.an_account(enrolled=True)
        await at_enrollment(world, await world.an_account("carol@student.com"))
        before = [await rows_of(world, table) for table in (users, sessions, backup_codes, totp_setups)]
        counts = Database.counts

        async def with_one_that_fails(self: Database, *changes: Change, seconds: float | None = None) -> list[int]:
            *good, audited = changes
            return await counts(self, *good, Change(audited.target, {**audited.values, "event": None}), seconds=seconds)

        with monkeypatch.context() as patch:
            patch.setattr(Database, "counts", with_one_that_fails)
            with pytest.raises(Exception, match=r"(?i)not.null"):
                await world.services.administration.void_restored(OPERATOR, REASON)
        halfway = [await rows_of(world, table) for table in (users, sessions, backup_codes, totp_setups)]
        voided = await world.services.administration.void_restored(OPERATOR, REASON)

        assert halfway == before
        assert (voided.sessions, voided.backup_codes) == (1, 10)
        assert [await count_of(world, table) for table in (backup_codes, totp_setups)] == [0, 0]


async def test_an_attempt_in_progress_when_it_runs_opens_nothing(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
):
    """AVL-09: decided before and written after."""
    async with make_world() as world:
        account = await world.an_account(enrolled=True)
        browser = await world.at_second_factor(account)
        enrolling = await at_enrollment(world, carol := await world.an_account("carol@student.com"))
        write, ran = world.services.database.write, False

        async def after_it(*changes: Change, guard: Change | None = None) -> bool:
            nonlocal ran
            if guard is not None and not ran:
                ran = True
                await world.services.administration.void_restored(OPERATOR, None)
            return bool(await write(*changes, guard=guard))

        monkeypatch.setattr(type(world.services.database), "write", lambda _self, *a, **o: after_it(*a, **o))
        response = await browser.offer(account.code(world.clock))
        second = await confirm(enrolling, carol.code(world.clock))

        assert (response.status_code, response.json()["code"]) == (401, "login_expired")
        assert (second.status_code, second.json()["code"]) == (401, "login_expired")
        assert None not in [row.revoked_at for row in await rows_of(world, sessions)]
        assert await count_of(world, backup_codes) == 0


async def test_the_last_used_step_is_never_lowered(make_world: MakeWorld):
    """AVL-07: nothing is lowered."""
    async with make_world() as world:
        alice = await world.an_account(enrolled=True)
        await world.an_account("carol@student.com")
        step = int(world.clock.now().timestamp()) // 30

        await world.services.administration.void_restored(OPERATOR, None)
        first = {row.email: row.totp_last_step for row in await rows_of(world, users)}
        world.clock.advance(seconds=-90)
        await world.services.administration.void_restored(OPERATOR, None)
        second = {row.email: row.totp_last_step for row in await rows_of(world, users)}

        assert first == second == {alice.email: step + 1, "carol@student.com": None}
