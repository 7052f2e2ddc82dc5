"""What all commands have in common: confirmations, reasons, unknown accounts, and what they print back."""

from asyncio import to_thread
from types import SimpleNamespace

import pytest

from focys.features.audit import audit_events
from tests.cli.conftest import Focys
from tests.support.rows import rows_of
from tests.support.service import World

BYPASS = ["mfa", "bypass", "--for", "30m", "--reason", "the phones' clocks are wrong"]
TO_CONFIRM = [
    ["audit", "prune", "--older-than", "365d"],
    BYPASS,
    ["sessions", "revoke-all"],
    ["backup", "restored"],
]
FOR_ONE_ACCOUNT = [
    *(["users", act] for act in ("unlock", "reset-mfa", "disable", "enable")),
    ["users", "set-password", "--password-stdin"],
    ["sessions", "list"],
    [*BYPASS, "--user"],
]


@pytest.mark.parametrize("arguments", TO_CONFIRM, ids=" ".join)
async def test_a_command_that_affects_everyone_asks_first(
    world: World, focys: Focys, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
):
    unasked = await to_thread(focys, *arguments)
    monkeypatch.setattr("focys.cli.console.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    no = await to_thread(focys, *arguments, typed="n\n")
    before = await rows_of(world, audit_events)
    yes = await to_thread(focys, *arguments, typed="y\n")

    assert (unasked.exit_code, unasked.stderr) == (1, "✗ Not a terminal: confirm with --yes.\n")
    assert (no.exit_code, no.stderr.splitlines()[-1]) == (1, "✗ Nothing was changed.")
    assert before == []
    assert yes.exit_code == 0, yes.output
    assert [event.source.startswith("console:") for event in await rows_of(world, audit_events)] == [True]


@pytest.mark.parametrize("reason", ["x" * 201, "one\ntwo", "turned \u202e round"], ids=["long", "lines", "turned"])
@pytest.mark.parametrize("arguments", [["sessions", "revoke-all"], ["backup", "restored"]], ids=" ".join)
def test_a_reason_is_one_plain_line(focys: Focys, arguments: list[str], reason: str):
    """LOG-04: as the audit shows it."""
    result = focys(*arguments, "--yes", "--reason", reason)

    assert result.exit_code == 1
    assert result.stderr.strip() == "✗ A reason has at most 200 characters, all of them printable."


@pytest.mark.parametrize("arguments", FOR_ONE_ACCOUNT, ids=" ".join)
def test_an_unknown_address_is_reported(focys: Focys, arguments: list[str]):
    result = focys(*arguments, "nobody@example.com", typed="velvet-compass-meadow-94\n")

    assert (result.exit_code, result.stderr.strip()) == (1, "✗ There is no account for nobody@example.com.")


@pytest.mark.parametrize("typed", ["[/]", "[bold]x[/]", "\x1b[31mx", "x\u202e"])
def test_input_is_printed_back_as_plain_text(focys: Focys, typed: str):
    """LOG-03: it neither colors a message nor controls the terminal."""
    result = focys("backup", "verify", typed)

    shown = typed.replace("\x1b", "?").replace("\u202e", "?")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == f"✗ There is no file {shown}."
