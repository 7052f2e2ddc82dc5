"""``focys users list``, ``show``, ``rename``, ``set-email`` and ``delete``: who has an account, and in what state."""

import json
from asyncio import to_thread
from types import SimpleNamespace
from uuid import uuid4

import pytest

from focys.features.accounts import users
from focys.features.audit import audit_events
from focys.features.lockout import failed
from focys.features.outbox import outbox
from focys.features.sessions import sessions
from tests.cli.conftest import Focys
from tests.support.rows import rows_of
from tests.support.service import ADDRESS, OPERATOR, Account, World

DANA = "dana@example.com"
NEW = "dana.ray@example.com"
LONG = f"{'a-rather-long-name-' * 3}@students.example.com"


async def fail_codes(world: World, account: Account, times: int) -> None:
    """Add wrong codes from unknown browsers."""
    for _ in range(times):
        await world.services.database.write(failed(account.id, None, uuid4(), world.clock.now()))


async def states_of(focys: Focys, *filters: str) -> dict[str, list[str]]:
    listed = json.loads((await to_thread(focys, "users", "list", "--json", *filters)).stdout)
    return {record["email"]: record["states"] for record in listed}


async def test_the_list_shows_each_state_and_filters_by_it(world: World, focys: Focys):
    """Locked and guarded accounts are not "active"."""
    locked, guarded = (
        await world.an_account("l@example.com", enrolled=True),
        await world.an_account("g@example.com", role="admin", enrolled=True),
    )
    await world.an_account("a@example.com", enrolled=True)
    await world.an_account("n@example.com")
    await fail_codes(world, locked, 5)
    await fail_codes(world, guarded, 15)
    await world.services.accounts.set_disabled("n@example.com", OPERATOR, disabled=True)

    everyone = await states_of(focys)
    by_filter = {name: [*await states_of(focys, f"--{name}")] for name in ("locked", "guarded", "admins")}

    assert everyone == {
        "a@example.com": ["active"],
        "g@example.com": ["guarded"],
        "l@example.com": ["locked"],
        "n@example.com": ["disabled", "not enrolled"],
    }
    assert by_filter == {"locked": ["l@example.com"], "guarded": ["g@example.com"], "admins": ["g@example.com"]}
    assert [*await states_of(focys, "--disabled", "--not-enrolled")] == ["n@example.com"]
    assert await states_of(focys, "--disabled", "--locked") == {}


async def test_a_lock_that_is_over_is_not_shown(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)
    world.clock.advance(minutes=-16)
    await fail_codes(world, account, 5)

    assert await states_of(focys) == {ADDRESS: ["active"]}


async def test_show_says_what_an_operator_needs_on_the_phone(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)
    await world.signed_in(account)
    await fail_codes(world, account, 5)
    for network in ("203.0.113.9", "203.0.113.9", "203.0.113.10"):
        await world.a_browser(network).post("/auth/login", {"email": ADDRESS, "password": "wrong"})

    shown = await to_thread(focys, "users", "show", ADDRESS.upper())
    record = json.loads((await to_thread(focys, "users", "show", ADDRESS, "--json")).stdout)

    values = dict(line.split("\t") for line in shown.stdout.splitlines())
    assert values["state"].startswith("locked until ")
    assert values["state"].endswith(" UTC")
    assert values["wrong passwords"] == "3 from 2 networks or browsers"
    assert values["second step"] == "authenticator app"
    assert (values["backup codes left"], values["sessions"], values["known browsers"]) == ("10", "2", "2")
    assert f"{world.clock.now():%Y-%m-%d}" in values["last sign-in"]
    assert (record["states"], record["sessions"], record["backup_codes_left"]) == (["locked"], 2, 10)
    assert record["wrong_passwords"] == 3
    assert record["locked_until"].endswith("Z")


@pytest.mark.usefixtures("terminal")
async def test_a_terminal_of_80_columns_shows_long_addresses_in_full(world: World, focys: Focys):
    """Wrapped, but never cut."""
    await world.an_account(LONG)

    for arguments in (["users", "list"], ["users", "show", LONG]):
        lines = (await to_thread(focys, *arguments)).stdout.splitlines()

        assert max(map(len, lines)) <= 80
        assert "…" not in "".join(lines)


async def test_in_a_pipe_each_account_is_one_line_with_its_full_address(
    world: World, focys: Focys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    await world.an_account(LONG)

    head, line = (await to_thread(focys, "users", "list")).stdout.splitlines()

    assert head.split("\t") == ["Email", "Name", "Role", "State", "Created"]
    assert line.split("\t")[0] == LONG
    assert "\x1b" not in line


async def test_another_address_ends_the_sessions_and_notifies_both_addresses(world: World, focys: Focys):
    account = await world.an_account(DANA, enrolled=True)
    browser, token = await world.signed_in(account)

    result = await to_thread(focys, "users", "set-email", DANA, NEW.upper())

    assert result.exit_code == 0, result.output
    assert f"Notice for {DANA}: The email address of your account was changed" in result.stdout
    assert f"Notice for {NEW}: The email address of your account was changed" in result.stdout
    assert (await browser.me(token)).status_code == 401
    assert all(row.revoked_at for row in await rows_of(world, sessions))
    assert (await browser.sign_in_with_password(account)).json()["code"] == "invalid_credentials"
    account.email = NEW
    assert (await browser.sign_in_with_password(account)).json()["step"] == "totp"
    (event,) = [e for e in await rows_of(world, audit_events) if e.event == "email address changed"]
    assert event.source.startswith("console:")
    assert DANA not in event.detail


@pytest.mark.parametrize(
    ("new", "sentence"),
    [("nonsense", "This is not an email address."), (ADDRESS, f"There is already an account for {ADDRESS}.")],
)
async def test_an_unusable_new_address_changes_nothing(world: World, focys: Focys, new: str, sentence: str):
    await world.an_account()
    await world.an_account(DANA)

    result = await to_thread(focys, "users", "set-email", DANA, new)

    assert (result.exit_code, result.stderr.strip()) == (1, f"✗ {sentence}")
    assert sorted(row.email for row in await rows_of(world, users)) == [ADDRESS, DANA]
    assert await rows_of(world, outbox) == []


async def test_a_new_name_changes_nothing_else(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)

    done = await to_thread(focys, "users", "rename", ADDRESS, "[red]Alice[/]")
    refused = await to_thread(focys, "users", "rename", ADDRESS, "")

    assert done.exit_code == 0
    assert (await browser.me(token)).json()["display_name"] == "[red]Alice[/]"
    assert (refused.exit_code, refused.stderr.strip()) == (1, "✗ A name needs at least one character.")


async def test_deleting_asks_and_removes_everything_but_the_audit(
    world: World, focys: Focys, monkeypatch: pytest.MonkeyPatch
):
    account = await world.an_account(DANA, enrolled=True)
    browser, token = await world.signed_in(account)

    unasked = await to_thread(focys, "users", "delete", DANA)
    monkeypatch.setattr("focys.cli.console.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    no = await to_thread(focys, "users", "delete", DANA, typed="n\n")
    kept = await rows_of(world, users)
    yes = await to_thread(focys, "users", "delete", DANA, typed="y\n")

    assert (unasked.exit_code, unasked.stderr) == (1, "✗ Not a terminal: confirm with --yes.\n")
    assert (no.exit_code, len(kept), yes.exit_code) == (1, 1, 0)
    assert "Delete dana@example.com (dana) for good?" in yes.output
    assert (await browser.me(token)).status_code == 401
    assert await rows_of(world, users) == await rows_of(world, sessions) == []
    events = [event for event in await rows_of(world, audit_events) if event.user_id == account.id]
    assert {"account created", "account deleted"} <= {event.event for event in events}


@pytest.mark.parametrize("act", [["disable"], ["delete", "--yes"]], ids=["disable", "delete"])
async def test_the_only_administrator_stays_unless_forced(world: World, focys: Focys, act: list[str]):
    """ADM-04: otherwise nobody could administer the apps that ask for the role."""
    name, *options = act
    await world.an_account(DANA, role="admin")
    await world.an_account("former@example.com", role="admin")
    await to_thread(focys, "users", "disable", "former@example.com")

    refused = await to_thread(focys, "users", name, DANA, *options)
    kept = [row.email for row in await rows_of(world, users) if row.disabled_at is None]
    forced = await to_thread(focys, "users", name, DANA, *options, "--force")

    assert refused.exit_code == 1
    assert refused.stderr.splitlines() == [
        f"✗ {DANA} is the only administrator.",
        "  Create another administrator first, or add --force.",
    ]
    assert (kept, forced.exit_code) == ([DANA], 0)
    assert DANA not in [row.email for row in await rows_of(world, users) if row.disabled_at is None]


async def test_the_operator_finds_an_account_by_the_id_in_the_log(world: World, focys: Focys):
    """ADM-13: log lines name no address."""
    account = await world.an_account()

    [listed] = json.loads((await to_thread(focys, "users", "list", "--json")).stdout)

    assert listed["id"] == str((await world.services.accounts.get(account.email)).id)
