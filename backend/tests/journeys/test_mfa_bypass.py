"""While the second step is bypassed: who gets in on the password alone, with what, and how it is over."""

from asyncio import gather
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from focys.app import create_app
from focys.features.audit import audit_events
from focys.features.browsers import browsers
from focys.features.bypass import NotOver, mfa_bypasses
from focys.features.lockout import second_factor_failures
from focys.features.outbox import outbox
from focys.features.sessions import sessions
from focys.infra.db.database import Change
from focys.settings import Settings
from tests.conftest import MakeWorld, settings_for
from tests.support.attempts import fail
from tests.support.rows import count_of, execute, rows_of
from tests.support.service import OPERATOR, Account, Browser, World
from tests.support.statements import statements_of

REASON = "the authenticators cannot be used"
HALF_AN_HOUR = timedelta(minutes=30)


async def begin(world: World, account: Account | None = None, length: timedelta = HALF_AN_HOUR) -> NotOver:
    """Begin a bypass for one person, or for everybody but administrators."""
    address = account.email if account else None
    return await world.services.bypasses.begin(length, REASON, OPERATOR, address=address)


async def under_bypass(world: World, account: Account) -> tuple[Browser, dict[str, Any]]:
    """A browser that got in on the password alone, and what it was given."""
    browser = world.a_browser("203.0.113.9")
    response = await browser.sign_in_with_password(account)
    assert (response.status_code, response.json()["step"]) == (200, "done"), response.text
    return browser, response.json()


async def step_of(world: World, account: Account) -> str:
    """Where the right password leads in a fresh browser."""
    return str((await world.a_browser("203.0.113.10").sign_in_with_password(account)).json()["step"])


async def test_an_enrolled_user_signs_in_with_the_password_alone(world: World):
    """ADM-07: with what a password proves and no more."""
    account = await world.an_account(enrolled=True)
    bypass = await begin(world)

    browser, done = await under_bypass(world, account)
    me = (await browser.me(done["access_token"])).json()

    assert done["user"]["mfa_enabled"] is True
    assert (done["user"]["backup_codes_left"], "backup_codes" in done) == (10, False)
    assert me["amr"] == ["pwd"]
    assert me["session_expires_at"] == bypass.ends_at.isoformat().replace("+00:00", "Z")
    marked = [row for row in await rows_of(world, sessions) if row.bypass_id is not None]
    assert [(row.bypass_id, row.amr, row.expires_at) for row in marked] == [(bypass.id, "pwd", bypass.ends_at)]
    assert await world.services.sessions.count_under(bypass.id) == 1


async def test_a_bypass_ends_on_time(world: World):
    account = await world.an_account(enrolled=True)
    await begin(world)

    world.clock.advance(minutes=29, seconds=59)
    during = await step_of(world, account)
    world.clock.advance(seconds=1)

    assert during == "done"
    assert await step_of(world, account) == "totp"
    assert await world.services.bypasses.list_in_force() == []


async def test_the_session_ends_with_the_bypass_despite_refreshing(world: World):
    account = await world.an_account(enrolled=True)
    await begin(world, length=timedelta(hours=2))
    browser, done = await under_bypass(world, account)
    token, statuses = done["access_token"], []

    for _ in range(8):
        world.clock.advance(minutes=14, seconds=59)
        refreshed = await browser.post("/auth/refresh")
        statuses.append(refreshed.status_code)
        token = refreshed.json()["access_token"]
        assert refreshed.json()["expires_in"] <= 8 * 15 * 60
    world.clock.advance(seconds=8)

    assert statuses == [200] * 8
    assert (await browser.me(token)).status_code == 401
    assert (await browser.post("/auth/refresh")).json()["code"] == "session_ended"


async def test_ending_a_bypass_ends_its_sessions_and_no_others(world: World):
    account = await world.an_account(enrolled=True)
    by_code, code_token = await world.signed_in(account)
    await begin(world)
    browser, done = await under_bypass(world, account)

    ended = await world.services.bypasses.end(OPERATOR, address=None)

    assert [bypass.reason for bypass in ended] == [REASON]
    assert (await browser.me(done["access_token"])).status_code == 401
    assert (await browser.post("/auth/refresh")).json()["code"] == "session_ended"
    assert (await by_code.me(code_token)).status_code == 200
    assert (await by_code.post("/auth/refresh")).status_code == 200
    assert await step_of(world, account) == "totp"
    assert await world.services.bypasses.end(OPERATOR, address=None) == []


async def test_a_bypass_for_everybody_excludes_administrators(world: World):
    admin = await world.an_account("carol@student.com", role="admin", enrolled=True)
    other = await world.an_account("dave@student.com", role="admin", enrolled=True)

    await begin(world)
    for_everybody = await step_of(world, admin)
    await begin(world, admin)

    assert for_everybody == "totp"
    assert await step_of(world, admin) == "done"
    assert await step_of(world, other) == "totp"


async def test_a_bypass_for_one_user_applies_to_nobody_else(world: World):
    alice = await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)

    await begin(world, alice)

    assert await step_of(world, alice) == "done"
    assert await step_of(world, bob) == "totp"


async def test_one_of_two_overlapping_bypasses_can_end(world: World):
    alice = await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)
    await begin(world)
    await begin(world, alice)
    browser, done = await under_bypass(world, alice)

    ended = await world.services.bypasses.end(OPERATOR, address=alice.email)

    assert [bypass.address for bypass in ended] == [alice.email]
    assert (await browser.me(done["access_token"])).status_code == 401
    assert await step_of(world, alice) == "done"
    assert await step_of(world, bob) == "done"


async def test_a_wrong_password_still_counts(world: World):
    """LOCK-04: the limits of the password stay in force."""
    account = await world.an_account(enrolled=True)
    await begin(world)
    stranger = world.a_browser("203.0.113.77")
    guess = {"email": account.email, "password": "not-the-password-of-alice"}

    responses = [(await stranger.post("/auth/login", guess)).json()["code"] for _ in range(6)]
    right = await stranger.sign_in_with_password(account)

    assert responses == ["invalid_credentials"] * 5 + ["throttled"]
    assert right.json()["code"] == "throttled"


async def test_a_disabled_account_stays_out(world: World):
    account = await world.an_account(enrolled=True)
    await begin(world)
    browser, done = await under_bypass(world, account)

    await world.services.accounts.set_disabled(account.email, OPERATOR, disabled=True)

    assert (await browser.me(done["access_token"])).status_code == 401
    assert (await world.a_browser().sign_in_with_password(account)).json()["code"] == "invalid_credentials"


@pytest.mark.parametrize("policy", ["required", "optional"])
async def test_a_bypass_does_not_affect_accounts_without_a_factor(make_world: MakeWorld, policy: str):
    async with make_world(mfa_policy=policy) as world:
        account = await world.an_account()
        before = await step_of(world, account)
        await begin(world)

        during = await step_of(world, account)

        assert (before, during) == (("email_code",) * 2 if policy == "required" else ("done",) * 2)
        assert [row.bypass_id for row in await rows_of(world, sessions)] == [None] * (2 if policy == "optional" else 0)


async def test_a_bypass_is_equally_limited_where_mfa_is_optional(make_world: MakeWorld):
    async with make_world(mfa_policy="required") as first:
        account = await first.an_account(enrolled=True)
    async with make_world(mfa_policy="optional", clock=first.clock) as world:
        await begin(world)
        browser, done = await under_bypass(world, account)

        world.clock.advance(minutes=30)

        assert (await browser.me(done["access_token"])).status_code == 401
        assert (await browser.post("/auth/refresh")).json()["code"] == "session_ended"
        assert await step_of(world, account) == "totp"


@pytest.mark.parametrize("failures", [5, 15], ids=["locked", "guarded"])
async def test_a_locked_owner_signs_in_and_the_lock_remains(world: World, failures: int):
    """LOCK-02: nothing is examined under a bypass, so nothing is forgiven."""
    account = await world.an_account(enrolled=True)
    await fail(world, account, failures, world.a_browser("203.0.113.50"))
    counted = await count_of(world, second_factor_failures)
    bypass = await begin(world)

    browser, _ = await under_bypass(world, account)
    world.clock.moment = bypass.ends_at
    again = (await browser.sign_in_with_password(account)).json()

    assert counted == failures == await count_of(world, second_factor_failures)
    assert (again["step"], again["guarded"]) == ("totp", failures == 15)


async def test_a_bypassed_browser_stays_unknown(world: World):
    """LOCK-08: otherwise anyone who has the password would take five fresh guesses along."""
    account = await world.an_account(enrolled=True)
    known = await count_of(world, browsers)
    bypass = await begin(world)

    browser, _ = await under_bypass(world, account)
    world.clock.moment = bypass.ends_at
    await fail(world, account, 5, world.a_browser("203.0.113.51"))
    shut_out = await world.at_second_factor(account, browser)

    assert await count_of(world, browsers) == known
    assert "focys_browser" not in browser.http.cookies
    assert (await shut_out.offer(account.code(world.clock))).json()["code"] == "account_locked"


async def test_a_bypass_is_audited_and_emailed(world: World):
    """LOG-01: the start with the reason and the operator, each sign-in with its user, and the end."""
    account = await world.an_account(enrolled=True)
    bypass = await begin(world, account)
    await world.deliver()
    await under_bypass(world, account)
    await world.services.bypasses.end(OPERATOR, address=None)
    await world.deliver()

    events = [row for row in await rows_of(world, audit_events) if "bypass" in row.event]
    events.sort(key=lambda row: ["MFA bypass started", "MFA bypassed", "MFA bypass ended"].index(row.event))
    told = [email for to, email in world.mail.emails if to == account.email][-2:]

    assert [(e.event, e.outcome, e.user_id, e.reason, e.source) for e in events] == [
        ("MFA bypass started", "ok", account.id, "named", "console:test"),
        ("MFA bypassed", "ok", account.id, None, "203.0.113.9"),
        ("MFA bypass ended", "ok", account.id, "named", "console:test"),
    ]
    assert [e.detail for e in events] == [
        f"until {bypass.ends_at:%Y-%m-%d %H:%M} UTC: {REASON}",
        f"bypass {bypass.id}",
        REASON,
    ]
    assert [email.subject.partition(" · ")[0] for email in told] == [
        "Your second step is off for a while",
        "A sign-in with your password alone",
    ]
    assert f"{bypass.ends_at:%H:%M} UTC" in told[0].paragraphs[0]
    assert "from 203.0.113.9" in told[1].paragraphs[0]
    assert "password" not in [e.event for e in await rows_of(world, audit_events) if e.source == "203.0.113.9"]


async def test_a_bypass_for_everybody_is_emailed_to_those_who_sign_in(world: World):
    alice = await world.an_account(enrolled=True)
    await world.an_account("bob@student.com", enrolled=True)
    await begin(world)
    await under_bypass(world, alice)

    emails = await world.services.database.rows(select(outbox.c.user_id, outbox.c.kind))

    assert [(row.user_id, row.kind) for row in emails if "bypass" in row.kind] == [(alice.id, "mfa_bypass_used")]


async def test_a_bypass_ended_during_a_sign_in_opens_no_session(world: World, monkeypatch: pytest.MonkeyPatch):
    """FLOW-06: it is read again in the write that opens the session."""
    account = await world.an_account(enrolled=True)
    await begin(world)
    database = type(world.services.database)
    write = database.write

    async def after_the_end(self: Any, *changes: Change, guard: Change | None = None) -> bool:
        if guard is not None and "the_bypass" in guard.values and "for_user" in guard.values:
            monkeypatch.setattr(database, "write", write)
            await world.services.bypasses.end(OPERATOR, address=None)
        return await write(self, *changes, guard=guard)

    monkeypatch.setattr(database, "write", after_the_end)
    browser = world.a_browser("203.0.113.9")
    response = await browser.sign_in_with_password(account)

    # The attempt reads the facts again, and asks for the second factor.
    assert (response.status_code, response.json()["step"]) == (200, "totp")
    assert database.write is write
    assert [row for row in await rows_of(world, sessions) if row.bypass_id is not None] == []


async def test_no_session_survives_the_end_of_a_bypass(world: World):
    people = [await world.an_account(f"p{i}@student.com", enrolled=True) for i in range(4)]
    await begin(world)
    visitors = [world.a_browser(f"203.0.113.{100 + i}") for i in range(4)]

    responses, ended = await gather(
        gather(*(browser.sign_in_with_password(account) for browser, account in zip(visitors, people, strict=True))),
        world.services.bypasses.end(OPERATOR, address=None),
    )

    assert len(ended) == 1
    assert {(response.status_code, response.json().get("step")) for response in responses} <= {
        (200, "done"),
        (200, "totp"),
        (429, None),
    }
    for browser, response in zip(visitors, responses, strict=True):
        token = response.json().get("access_token", "")
        assert (await browser.me(token)).status_code == 401
        # Those who were not let in hold no cookie.
        assert (await browser.post("/auth/refresh")).status_code == (401 if token else 204)


async def test_a_session_written_after_the_end_is_never_valid(world: World):
    """FLOW-06: as when the statement that opens it had read the bypass before the end was committed."""
    account = await world.an_account(enrolled=True)
    bypass = await begin(world)
    browser, done = await under_bypass(world, account)

    await execute(world, "UPDATE mfa_bypasses SET ended_at = begins_at")

    assert (await browser.me(done["access_token"])).status_code == 401
    assert [s.state for s in await world.services.sessions.list_of(account.id)] == ["ended", "live"]
    assert await world.services.sessions.count_under(bypass.id) == 1


async def test_a_bypass_that_begins_in_the_future_is_not_active(world: World):
    account = await world.an_account(enrolled=True)
    world.clock.advance(days=300)
    await begin(world)
    world.clock.advance(days=-300)

    assert await world.services.bypasses.list_in_force() == []
    assert await step_of(world, account) == "totp"
    assert len(await world.services.bypasses.end(OPERATOR, address=None)) == 1
    world.clock.advance(days=300)
    assert await step_of(world, account) == "totp"


async def test_a_bypass_adds_no_query_to_the_password_step(world: World):
    account = await world.an_account(enrolled=True)

    async def statements(browser: Browser) -> list[str]:
        with statements_of(world.services.database) as heard:
            await browser.sign_in_with_password(account)
        return [sql for sql in heard if sql.startswith(("SELECT", "WITH person")) and "FROM outbox" not in sql]

    before = await statements(world.a_browser("203.0.113.60"))
    await begin(world)
    during = await statements(world.a_browser("203.0.113.61"))

    assert any("mfa_bypasses" in sql for sql in before)
    assert len(during) <= len(before)


def test_no_endpoint_and_no_setting_disables_the_second_factor(tmp_path: Path):
    paths = create_app(settings_for(f"sqlite:///{tmp_path}/focys.db")).openapi()["paths"]

    assert [path for path in paths if "bypass" in path] == []
    assert [name for name in Settings.model_fields if "bypass" in name or "disable" in name] == []


async def test_bypass_rows_are_deleted_after_ninety_days(world: World):
    bypass = await begin(world)
    housekeeping = world.services.housekeeping

    world.clock.moment = bypass.ends_at + timedelta(days=89)
    await housekeeping.forget()
    kept = await count_of(world, mfa_bypasses)
    world.clock.advance(days=2)
    await housekeeping.forget()

    assert (kept, await count_of(world, mfa_bypasses)) == (1, 0)
