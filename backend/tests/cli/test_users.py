"""``focys users``: what an operator does, seen by the people it is done to."""

import re
from asyncio import to_thread
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from focys.features import outbox
from focys.infra.db.database import Change, Database
from tests.cli.conftest import Focys
from tests.support.service import OPERATOR, PASSWORD, World

DANA = "dana@example.com"
NEW_PASSWORD = "velvet-compass-meadow-94"


async def values(world: World, sql: str) -> list[tuple[object, ...]]:
    async with world.services.database.engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(sql))).all()]


async def test_a_created_account_can_sign_in(world: World, focys: Focys):
    typed = ["users", "create", "Dana@Example.com", "--name", "Dana Ray", "--admin", "--password-stdin"]

    result = await to_thread(focys, *typed, typed=f"{PASSWORD}\n")
    response = await world.a_browser().post("/auth/login", {"email": DANA, "password": PASSWORD})

    assert result.exit_code == 0
    assert "Created" in result.stdout
    assert response.json()["step"] == "email_code"
    assert await values(world, "SELECT email, display_name, role FROM users") == [(DANA, "Dana Ray", "admin")]
    assert await values(world, "SELECT event FROM audit_events WHERE source LIKE 'console:%'") == [("account created",)]


async def test_a_windows_line_end_is_not_part_of_the_password(world: World, focys: Focys):
    await to_thread(focys, "users", "create", DANA, "--password-stdin", typed=f"{PASSWORD}\r\n")

    response = await world.a_browser().post("/auth/login", {"email": DANA, "password": PASSWORD})

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("", "That password is too short: it needs at least 8 characters."),
        ("short", "That password is too short: it needs at least 8 characters."),
        ("x" * 257, "That password is too long."),
        ("password123", "That password is on a list of common or leaked passwords."),
        ("dana@example", "That password is too close to your address"),
        (f"{PASSWORD}\t", "That password holds a character that the sign-in page does not take."),
        (b"\xff" + PASSWORD.encode(), "The password is not valid UTF-8."),
    ],
    ids=["nothing", "short", "long", "common", "address", "tab", "no text"],
)
def test_an_unsuitable_password_is_refused(focys: Focys, password: str | bytes, sentence: str):
    typed = password if isinstance(password, bytes) else password.encode()

    result = focys("users", "create", DANA, "--password-stdin", typed=typed + b"\n")

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "There are no accounts yet" in focys("users", "list").stderr


def test_an_address_has_one_account_however_it_is_spelled(focys: Focys):
    focys("users", "create", DANA, "--password-stdin", typed=f"{PASSWORD}\n")

    again = focys("users", "create", "DANA@example.COM", "--password-stdin", typed=f"{PASSWORD}\n")

    assert again.exit_code == 1
    assert again.stderr.strip() == f"✗ There is already an account for {DANA}."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nonsense"], "This is not an email address."),
        ([DANA, "--name", "x" * 101], "A name has at most 100 characters, all of them printable."),
        ([DANA, "--name", "Dana\u202eRay"], "A name has at most 100 characters, all of them printable."),
        ([DANA, "--name", "   "], "A name is a single line with at least one visible character."),
        ([DANA, "--name", "\u2028\u200b\u3164"], "A name is a single line with at least one visible character."),
        ([DANA, "--name", "Dana\u2028Ray"], "A name is a single line with at least one visible character."),
    ],
    ids=["no address", "long name", "turned name", "blank name", "invisible name", "two lines"],
)
def test_an_invalid_account_is_refused(focys: Focys, arguments: list[str], sentence: str):
    result = focys("users", "create", *arguments, "--password-stdin", typed=f"{PASSWORD}\n")

    assert (result.exit_code, result.stderr.strip()) == (1, f"✗ {sentence}")


@pytest.mark.parametrize("address", ["nonsense", DANA])
def test_an_address_that_cannot_be_used_is_refused_before_the_password_is_read(focys: Focys, address: str):
    focys("users", "create", DANA, "--password-stdin", typed=f"{PASSWORD}\n")

    result = focys("users", "create", address)

    assert result.exit_code == 1
    assert "--password-stdin" not in result.stderr
    assert result.stderr.startswith(("✗ This is not an email address.", "✗ There is already an account"))


def test_without_a_terminal_the_password_must_be_piped_in(focys: Focys):
    result = focys("users", "create", DANA, typed=f"{PASSWORD}\n")

    assert result.exit_code == 1
    assert "--password-stdin" in result.stderr


async def test_the_list_shows_names_literally(world: World, focys: Focys):
    await world.an_account(enrolled=True)
    await to_thread(focys, "users", "create", DANA, "--name", "[red]Dana[/]", "--password-stdin", typed=f"{PASSWORD}\n")
    await to_thread(focys, "users", "disable", DANA)

    lines = (await to_thread(focys, "users", "list")).stdout.splitlines()

    alice, dana = (next(line for line in lines if name in line) for name in ("alice@", "dana@"))
    assert alice.split("\t")[2:4] == ["user", "active"]
    assert "[red]Dana[/]" in dana
    assert dana.split("\t")[3] == "disabled, not enrolled"


async def test_unlocking_clears_wrong_codes_and_passwords(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    for _ in range(5):
        locked = await browser.offer("000000")
    elsewhere = world.a_browser("203.0.113.9")
    for _ in range(6):
        throttled = await elsewhere.post("/auth/login", {"email": account.email, "password": "wrong"})

    result = await to_thread(focys, "users", "unlock", account.email)

    assert (locked.json()["code"], throttled.json()["code"]) == ("account_locked", "throttled")
    assert result.exit_code == 0
    assert (await browser.offer(account.code(world.clock))).status_code == 200
    assert (await elsewhere.sign_in_with_password(account)).status_code == 200
    assert await values(world, "SELECT count(*) FROM audit_events WHERE event = 'MFA unlocked'") == [(1,)]


async def test_a_reset_removes_factor_codes_browsers_and_sessions_and_notifies_the_owner(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)
    in_progress = await world.at_second_factor(account)

    result = await to_thread(focys, "users", "reset-mfa", account.email)

    assert result.exit_code == 0
    assert f"Notice for {account.email}: Your second step was reset" in result.stdout
    assert await left_of(world) == (None, False, 0, 0, 0)
    assert await values(world, "SELECT count(*) FROM audit_events WHERE event = 'MFA reset'") == [(1,)]
    assert (await browser.me(token)).status_code == 401
    assert (await browser.post("/auth/refresh")).json()["code"] == "session_ended"
    assert (await in_progress.offer(account.code(world.clock))).json()["code"] == "login_expired"
    assert (await browser.sign_in_with_password(account)).json()["step"] == "email_code"


async def test_a_reset_prints_a_ticket_for_the_owner(world: World, focys: Focys):
    """ADM-03: on the operator's terminal, and not in the email."""
    account = await world.an_account(enrolled=True)

    result = await to_thread(focys, "users", "reset-mfa", account.email)

    (account.ticket,) = re.findall(
        r"Ticket, asked for at that sign-in: ((?:[0-9A-Z]{4}-?){4})$", result.stdout, re.MULTILINE
    )
    assert "expires at" in result.stdout
    assert account.ticket not in str(await values(world, "SELECT about FROM outbox"))
    assert (await world.enroll(account, world.a_browser())).json()["step"] == "done"


async def test_a_reset_without_a_ticket_says_what_it_gives_up(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)

    result = await to_thread(focys, "users", "reset-mfa", account.email, "--no-ticket")

    assert "anyone who has the password and the mailbox can do that" in result.stdout
    assert "Ticket" not in result.stdout
    assert (await world.enroll(account, world.a_browser())).json()["step"] == "done"


async def test_a_reset_ends_only_the_users_own_bypass(world: World, focys: Focys):
    """ADM-07: otherwise the password alone would still do once the person has enrolled again."""
    account, other = await world.an_account(enrolled=True), await world.an_account(DANA, enrolled=True)
    for address in (account.email, other.email, None):
        await world.services.bypasses.begin(timedelta(hours=4), "the phone was stolen", OPERATOR, address=address)

    await to_thread(focys, "users", "reset-mfa", account.email)

    left = await world.services.bypasses.list_in_force()
    assert sorted(str(bypass.address) for bypass in left) == sorted([other.email, "None"])


async def test_a_reset_that_fails_halfway_changes_nothing(world: World, focys: Focys, monkeypatch: pytest.MonkeyPatch):
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)
    before = await left_of(world)

    def without_a_kind(kind: str, user: UUID, details: dict[str, str], now: datetime) -> Change:
        row = outbox.queued(kind, user, details, now)
        return Change(row.target, {**row.values, "kind": None})

    with monkeypatch.context() as patch:
        patch.setattr("focys.features.outbox.notices.queued", without_a_kind)
        result = await to_thread(focys, "users", "reset-mfa", account.email)

    assert result.exit_code == 1
    assert await left_of(world) == before
    assert await values(world, "SELECT count(*) FROM audit_events WHERE event = 'MFA reset'") == [(0,)]
    assert (await browser.me(token)).status_code == 200


def test_a_reset_of_a_busy_account_fails_cleanly(focys: Focys, monkeypatch: pytest.MonkeyPatch):
    focys("users", "create", DANA, "--password-stdin", typed=f"{PASSWORD}\n")

    async def somebody_was_first(*_changes: Change, guard: Change | None = None) -> bool:
        return False

    monkeypatch.setattr(Database, "write", somebody_was_first)
    result = focys("users", "reset-mfa", DANA)

    assert (result.exit_code, result.stderr.strip()) == (
        1,
        "✗ The account was busy; nothing was changed. Try again.",
    )


async def test_a_new_password_ends_sessions_and_replaces_the_old_one(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)

    result = await to_thread(
        focys, "users", "set-password", account.email, "--password-stdin", typed=f"{NEW_PASSWORD}\n"
    )

    assert result.exit_code == 0
    assert (await browser.me(token)).status_code == 401
    assert (await browser.sign_in_with_password(account)).json()["code"] == "invalid_credentials"
    account.password = NEW_PASSWORD
    assert (await browser.sign_in_with_password(account)).json()["step"] == "totp"


async def test_disabling_an_account_takes_effect_at_once(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)

    await to_thread(focys, "users", "disable", account.email)
    while_disabled = await browser.sign_in_with_password(account)
    ended = [(await browser.me(token)).status_code, (await browser.post("/auth/refresh")).status_code]
    await to_thread(focys, "users", "enable", account.email)

    assert while_disabled.json()["code"] == "invalid_credentials"
    assert ended == [401, 401]
    assert (await browser.me(token)).status_code == 401
    assert (await browser.sign_in_with_password(account)).json()["step"] == "totp"


async def left_of(world: World) -> tuple[object, ...]:
    """What there is of the only account's second factor."""
    counts = ("backup_codes", "browsers", "sessions WHERE revoked_at IS NULL")
    columns = ", ".join(f"(SELECT count(*) FROM {table})" for table in counts)
    ((secret, enabled, *rest),) = await values(world, f"SELECT totp_secret, mfa_enabled, {columns} FROM users")
    return secret, bool(enabled), *rest
