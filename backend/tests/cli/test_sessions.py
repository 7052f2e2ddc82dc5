"""``focys sessions``: what an operator sees of them, and their end for everybody at once."""

from asyncio import create_task, gather, to_thread, wait
from typing import Any

from focys.features.accounts import users
from focys.features.audit import audit_events
from focys.features.sessions import sessions
from focys.features.totp import TotpFactor, totp_setups
from focys.infra.db.database import Change
from focys.infra.db.postgres import LOCK_TIMEOUT_MS
from tests.cli.conftest import Focys
from tests.support.attempts import at_enrollment, at_mailed_code, confirm, enter_mailed_code, fail
from tests.support.rows import count_of, execute, rows_of
from tests.support.service import OPERATOR, World

REASON = "restored the backup of Monday"


async def ended_events(world: World) -> list[tuple[str, str | None, bool]]:
    events = [e for e in await rows_of(world, audit_events) if e.event == "all sessions ended"]
    return [(e.outcome, e.detail, e.source.startswith("console:")) for e in events]


async def test_all_tokens_end(world: World, focys: Focys):
    people = [await world.an_account(f"p{i}@student.com", enrolled=True) for i in range(3)]
    signed_in = [await world.signed_in(account) for account in people]
    live = await count_of(world, sessions)

    result = await to_thread(focys, "sessions", "revoke-all", "--yes", "--reason", REASON)

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"✓ Ended {live} sessions.")
    assert live == 6
    for browser, token in signed_in:
        assert (await browser.me(token)).status_code == 401
        refreshed = await browser.post("/auth/refresh")
        assert (refreshed.status_code, refreshed.json()["code"]) == (401, "session_ended")
    assert None not in [row.revoked_at for row in await rows_of(world, sessions)]
    assert await ended_events(world) == [("ok", REASON, True)]


async def test_passwords_authenticators_and_backup_codes_remain(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)
    await world.signed_in(account)

    await to_thread(focys, "sessions", "revoke-all", "--yes")

    browser, token = await world.signed_in(account)
    assert (await browser.me(token)).status_code == 200
    elsewhere = await world.at_second_factor(account)
    assert (await elsewhere.post("/auth/backup-code/verify", {"code": account.backup_codes[0]})).status_code == 200


async def test_logins_in_progress_end_at_every_step(world: World, focys: Focys):
    alice = await world.an_account(enrolled=True)
    bob, carol = await world.an_account("bob@student.com"), await world.an_account("carol@student.com")
    at_code = await world.at_second_factor(alice)
    at_mail, at_qr = await at_mailed_code(world, bob), await at_enrollment(world, carol)

    await to_thread(focys, "sessions", "revoke-all", "--yes")
    responses = [
        await at_code.offer(alice.code(world.clock)),
        await at_code.post("/auth/backup-code/verify", {"code": alice.backup_codes[0]}),
        await enter_mailed_code(at_mail, world.mail.last_code(bob.email)),
        await confirm(at_qr, carol.code(world.clock)),
    ]

    assert [(response.status_code, response.json()["code"]) for response in responses] == [(401, "login_expired")] * 4
    # A secret that was shown in a login that has ended is not offered to the next one.
    assert await count_of(world, totp_setups) == 0


async def test_every_browser_becomes_unknown(world: World, focys: Focys):
    """SESS-15: the failures of strangers hold for it, as they do for a browser never seen."""
    account = await world.an_account(enrolled=True)
    browser, _ = await world.signed_in(account)
    await fail(world, account, 5, world.a_browser("203.0.113.9"))
    known = await world.at_second_factor(account, browser)
    before = (await known.get("/auth/login")).json().get("retry_after")

    await to_thread(focys, "sessions", "revoke-all", "--yes")
    stranger = await world.at_second_factor(account, browser)

    assert before is None
    assert (await stranger.offer(account.code(world.clock))).json()["code"] == "account_locked"


async def test_an_attempt_in_progress_opens_no_session(world: World, monkeypatch):
    """SESS-15: an attempt in progress when everything ends, in either order."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    verify = TotpFactor.verify
    waiting: list[bool] = []

    async def and_note(*asked: Any) -> Any:
        waiting.append(True)
        return await verify(*asked)

    monkeypatch.setattr(TotpFactor, "verify", and_note)
    write = world.services.database.write

    async def after_the_end(*changes: Change, guard: Change | None = None) -> bool:
        if waiting and guard is not None:
            waiting.clear()
            await world.services.administration.end_all_sessions(OPERATOR, None)
        return await write(*changes, guard=guard)

    monkeypatch.setattr(type(world.services.database), "write", lambda _self, *a, **o: after_the_end(*a, **o))
    response = await browser.offer(account.code(world.clock))

    assert (response.status_code, response.json()["code"]) == (401, "login_expired")
    assert None not in [row.revoked_at for row in await rows_of(world, sessions)]


async def test_it_ends_everything_while_people_sign_in(world: World):
    """SESS-15, LOCK-02: neither waits for the other in a circle."""
    people = [await world.an_account(f"p{i}@student.com", enrolled=True) for i in range(4)]
    browsers = [await world.at_second_factor(account) for account in people]

    responses, ended = await gather(
        gather(*(browser.offer(account.code(world.clock)) for browser, account in zip(browsers, people, strict=True))),
        world.services.administration.end_all_sessions(OPERATOR, None),
    )

    assert {response.status_code for response in responses} <= {200, 401}
    assert ended >= 4
    for browser, response in zip(browsers, responses, strict=True):
        if response.status_code == 200:
            assert (await browser.me(response.json()["access_token"])).status_code == 401


async def test_it_may_wait_longer_for_a_lock_than_a_request(world: World):
    """AVL-09: ending a million sessions takes longer than a request may."""
    await world.an_account(enrolled=True)
    async with world.services.database.engine.connect() as other:
        await other.exec_driver_sql("BEGIN")
        await other.exec_driver_sql("UPDATE users SET display_name = 'Alice'")
        ending = create_task(world.services.administration.end_all_sessions(OPERATOR, None))
        await wait({ending}, timeout=LOCK_TIMEOUT_MS / 1000 + 0.2)
        assert not ending.done()
        await other.exec_driver_sql("COMMIT")

        assert await ending == 1


async def test_a_second_run_ends_nothing(world: World, focys: Focys):
    await world.an_account(enrolled=True)

    first, second = [await to_thread(focys, "sessions", "revoke-all", "--yes") for _ in range(2)]

    assert first.stdout.startswith("✓ Ended 1 session. ")
    assert second.stdout.startswith("✓ Ended 0 sessions. ")
    assert [row.credential_epoch for row in await rows_of(world, users)] == [3]


async def test_the_list_shows_where_a_user_is_signed_in(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)
    left, _ = await world.signed_in(account)
    await left.post("/auth/logout")
    stays = world.a_browser("203.0.113.9")
    stays.http.headers["User-Agent"] = "[red]Firefox[/]"
    await world.signed_in(account, stays)
    await execute(world, "UPDATE sessions SET last_used_at = '2026-01-01 00:00:00' WHERE address = '198.51.100.7'")

    result = await to_thread(focys, "sessions", "list", account.email)

    assert result.exit_code == 0
    head, *rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert head == ["Address", "Browser", "Signed in (UTC)", "Last used (UTC)", "State"]
    assert [(row[0], row[-1]) for row in rows] == [
        ("203.0.113.9", "live"),
        ("192.0.2.1", "ended"),
        ("198.51.100.7", "expired"),
    ]
    assert rows[0][1] == "[red]Firefox[/]"
    assert f"{world.clock.now():%Y-%m-%d}" in rows[0][2]


async def test_an_account_without_sessions_is_reported(world: World, focys: Focys):
    await world.an_account()

    result = await to_thread(focys, "sessions", "list", "alice@student.com")

    assert (result.exit_code, result.stderr.strip()) == (0, "alice@student.com has no sessions.")
