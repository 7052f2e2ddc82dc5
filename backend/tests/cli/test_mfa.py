"""``focys mfa``: what it says and asks, what it does to sign-ins, and where it is seen while it is in force."""

import json
from asyncio import to_thread
from datetime import timedelta

import pytest

from focys.features.audit import audit_events
from focys.features.bypass import mfa_bypasses
from tests.cli.conftest import Focys
from tests.conftest import MakeWorld
from tests.support.rows import execute, rows_of
from tests.support.service import OPERATOR, World

REASON = "the phones' clock service is down"
FOR_ALL = ("mfa", "bypass", "--for", "30m", "--reason", REASON, "--yes")
NONE = "No bypass is active: the second step is required as always."


async def test_a_bypass_is_started_shown_and_ended(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)

    begun = await to_thread(focys, *FOR_ALL)
    world.clock.advance(minutes=1)
    browser = world.a_browser()
    done = (await browser.sign_in_with_password(account)).json()
    shown = await to_thread(focys, "mfa", "status")
    ended = await to_thread(focys, "mfa", "bypass", "--end")
    afterwards = await to_thread(focys, "mfa", "status")
    again = await to_thread(focys, "mfa", "bypass", "--end")

    assert begun.exit_code == 0, begun.output
    (row,) = await rows_of(world, mfa_bypasses)
    assert begun.stdout.splitlines() == [
        f"✓ Until {row.ends_at:%H:%M:%S} UTC, everyone but administrators can sign in with the password alone.",
        "  End it now: focys mfa bypass --end",
    ]
    assert done["step"] == "done"
    assert shown.stdout.splitlines() == [
        "! everyone but administrators can sign in with the password alone",
        f"  until   {row.ends_at:%Y-%m-%d %H:%M:%S} UTC, 30 minutes left",
        f"  why     {REASON}",
        f"  began   {row.begins_at:%Y-%m-%d %H:%M:%S} UTC by {row.operator}",
        "  opened  1 session so far",
        "End it now: focys mfa bypass --end",
    ]
    assert ended.stdout.strip() == (
        "✓ Ended the bypass for everyone but administrators, and the 1 session opened under it."
    )
    assert (await browser.me(done["access_token"])).status_code == 401
    assert (afterwards.stdout.strip(), again.stdout.strip(), again.exit_code) == (NONE, NONE, 0)


async def test_a_bypass_follows_the_database_clock(world: World, focys: Focys):
    """ADM-07: also where the operator's machine is wrong about the time; the audit says who and why."""
    now = await world.services.database.now()

    await to_thread(focys, *FOR_ALL)
    await to_thread(focys, "mfa", "bypass", "--end")

    (row,) = await rows_of(world, mfa_bypasses)
    events = [e for e in await rows_of(world, audit_events) if "bypass" in e.event]
    assert 0 <= (row.begins_at - now).total_seconds() < 60
    assert (row.ends_at - row.begins_at).total_seconds() == 1800
    assert row.ended_at is not None
    assert row.operator.startswith("console:")
    assert {e.event: (e.reason, e.source == row.operator, REASON in e.detail) for e in events} == {
        "MFA bypass started": ("everybody", True, True),
        "MFA bypass ended": ("everybody", True, True),
    }


async def test_a_bypass_for_one_user_needs_no_confirmation_and_sends_a_notice(world: World, focys: Focys):
    account = await world.an_account(role="admin", enrolled=True)

    begun = await to_thread(
        focys, "mfa", "bypass", "--for", "1h", "--user", account.email.upper(), "--reason", "[red]lost the phone[/]"
    )
    world.clock.advance(minutes=1)
    step = (await world.a_browser().sign_in_with_password(account)).json()["step"]
    shown = await to_thread(focys, "mfa", "status")
    other = await to_thread(focys, "mfa", "bypass", "--end", "--user", "nobody@student.com")
    ended = await to_thread(focys, "mfa", "bypass", "--end", "--user", account.email)

    assert begun.exit_code == 0, begun.output
    assert f"UTC, {account.email} can sign in with the password alone." in begun.stdout
    assert f"Notice for {account.email}: Your second step is off for a while" in begun.output
    assert step == "done"
    assert "[red]lost the phone[/]" in shown.stdout
    assert (other.exit_code, other.stderr.strip()) == (1, "✗ There is no account for nobody@student.com.")
    assert ended.stdout.strip() == f"✓ Ended the bypass for {account.email}, and the 1 session opened under it."


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "✗ Give a duration and a reason:"),
        (("--for", "30m"), "✗ Give a duration and a reason:"),
        (("--reason", REASON), "✗ Give a duration and a reason:"),
        (("--for", "5h", "--reason", REASON), "✗ A bypass lasts from 5m to 4h: --for 30m"),
        (("--for", "30", "--reason", REASON), "✗ A bypass lasts from 5m to 4h: --for 30m"),
        (("--for", "30m", "--reason", "because"), "✗ A reason has 10 to 200 characters, all of them printable."),
        (("--for", "30m", "--reason", "line\nand line"), "✗ A reason has 10 to 200 characters, all of them printable."),
        (("--end", "--for", "30m"), "✗ --end takes neither --for nor --reason."),
    ],
)
def test_invalid_options_start_no_bypass(focys: Focys, arguments: tuple[str, ...], told: str):
    result = focys("mfa", "bypass", *arguments, "--yes")

    assert result.exit_code == 1
    assert result.stderr.startswith(told)
    assert focys("mfa", "status").stdout.strip() == NONE


async def test_a_second_bypass_and_a_pointless_one_are_refused(world: World, focys: Focys):
    await world.an_account("new@student.com")

    for_nothing = await to_thread(focys, *FOR_ALL, "--user", "new@student.com")
    await to_thread(focys, *FOR_ALL)
    second = await to_thread(focys, *FOR_ALL)

    (row,) = await rows_of(world, mfa_bypasses)
    assert (for_nothing.exit_code, second.exit_code) == (1, 1)
    assert for_nothing.stderr.strip() == (
        "✗ new@student.com has no second factor yet: the first sign-in sets it up, with an emailed code."
    )
    assert second.stderr.strip() == (
        f"✗ A bypass is active until {row.ends_at:%H:%M} UTC. End it first: focys mfa bypass --end"
    )


async def test_the_doctor_warns_during_a_bypass(world: World, focys: Focys):
    account = await world.an_account(enrolled=True)
    before = await to_thread(focys, "doctor", "--support")
    await to_thread(focys, *FOR_ALL)
    await to_thread(focys, *FOR_ALL, "--user", account.email)

    during = await to_thread(focys, "doctor", "--support")

    (well,), (line,) = [
        [line for line in result.stdout.splitlines() if line[6:].startswith("mfa bypass ")]
        for result in (before, during)
    ]
    assert (well.split()[0], line.split()[0]) == ("ok", "warn")
    assert (
        "1 named person and everyone but administrators can sign in with the password alone, until "
        f"{max(row.ends_at for row in await rows_of(world, mfa_bypasses)):%H:%M} UTC at the latest (fix:"
    ) in line
    assert f"UTC at the latest ({REASON}; {REASON})" in " ".join((await to_thread(focys, "doctor")).stdout.split())
    assert line.endswith("(fix: focys mfa bypass --end)")
    assert account.email not in during.stdout
    assert REASON not in during.stdout


async def test_a_bypass_scheduled_by_a_fast_clock_is_shown_and_can_be_ended(world: World, focys: Focys):
    """AVL-07: before its time comes and it lets people in."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(days=300)
    await world.services.bypasses.begin(timedelta(minutes=30), REASON, OPERATOR, address=account.email)
    world.clock.advance(days=-300)
    await world.deliver()

    shown = await to_thread(focys, "mfa", "status")
    examined = await to_thread(focys, "doctor", "--support")
    ended = await to_thread(focys, "mfa", "bypass", "--end")
    afterwards = await to_thread(focys, "mfa", "status")

    (row,) = await rows_of(world, mfa_bypasses)
    assert shown.stdout.splitlines() == [
        f"! {account.email}: not active yet; scheduled while a clock was ahead",
        f"  until   {row.ends_at:%Y-%m-%d %H:%M:%S} UTC",
        f"  why     {REASON}",
        f"  begins  {row.begins_at:%Y-%m-%d %H:%M:%S} UTC by {row.operator}",
        "  opened  0 sessions so far",
        "End it now: focys mfa bypass --end",
    ]
    assert "none is active, but one is scheduled in the future" in examined.stdout
    assert ended.stdout.strip() == f"✓ Ended the bypass for {account.email}, and the 0 sessions opened under it."
    assert (row.ended_at is not None, afterwards.stdout.strip()) == (True, NONE)


async def test_each_worker_logs_a_warning_at_startup(
    world: World, make_world: MakeWorld, capfd: pytest.CaptureFixture[str]
):
    """LOG-06: one line, which names nobody."""
    account = await world.an_account(enrolled=True)
    bypass = await world.services.bypasses.begin(timedelta(minutes=30), REASON, OPERATOR, address=account.email)
    capfd.readouterr()

    async with make_world(clock=world.clock):
        pass

    (line,) = [line for line in "".join(capfd.readouterr()).splitlines() if "mfa_bypass_in_force" in line]
    told = json.loads(line)
    assert (told["level"], told["whom"]) == ("warning", "named")
    assert told["until"] == bypass.ends_at.isoformat(timespec="seconds")
    assert told["fix"] == "focys mfa bypass --end"
    assert account.email not in line


async def test_a_missing_table_is_reported(world: World, focys: Focys):
    await execute(world, "DROP TABLE mfa_bypasses")

    result = await to_thread(focys, "mfa", "status")

    assert result.exit_code == 1
    assert "focys migrate" in result.stderr
