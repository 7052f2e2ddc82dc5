"""What all commands print: JSON on request, an example in each help text, and the nearest command after a mistake."""

import json
from asyncio import to_thread
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperGroup

from focys.cli.root import app
from tests.cli.conftest import Focys
from tests.support.service import ADDRESS, World

WITH_JSON = [
    ["users", "list"],
    ["users", "show", ADDRESS],
    ["audit", "list", ADDRESS],
    ["sessions", "list", ADDRESS],
    ["networks", "list"],
    ["mfa", "status"],
]


def commands(group: TyperGroup, *names: str) -> Iterator[tuple[str, ...]]:
    """The words of every command that is not hidden."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, *names, name)
        elif not command.hidden:
            yield (*names, name)


def all_commands() -> list[tuple[str, ...]]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return [*commands(root)]


@pytest.mark.parametrize("arguments", WITH_JSON, ids=lambda arguments: " ".join(arguments[:2]))
async def test_commands_that_print_data_print_json(world: World, focys: Focys, arguments: list[str]):
    """A list is an array, one thing an object, and nothing else is on standard output."""
    account = await world.an_account(enrolled=True)
    await world.signed_in(account)

    result = await to_thread(focys, *arguments, "--json")

    assert result.exit_code == 0, result.output
    assert isinstance(json.loads(result.stdout), dict if "show" in arguments else list)
    assert result.stdout.isascii()


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_help_text_has_an_example_and_no_type_next_to_a_flag(command: Focys, words: tuple[str, ...]):
    shown = " ".join(command(*words, "--help").stdout.split())

    assert f"focys {' '.join(words)}" in shown.split("Example:")[1]
    assert "<bool>" not in shown


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        (["user", "list"], "focys users list"),
        (["users", "lst"], "focys users list"),
        (["doctr"], "focys doctor"),
        (["session", "list", ADDRESS], f"focys sessions list {ADDRESS}"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_misspelled_command_is_answered_with_the_nearest_one(command: Focys, typed: list[str], nearest: str):
    result = command(*typed)

    assert result.exit_code == 2
    assert f"There is no command '{typed[-1] if typed[0] == 'users' else typed[0]}'" in result.stderr
    assert f"Did you mean '{nearest}'?" in result.stderr


def test_nothing_is_suggested_for_a_command_unlike_all_others(command: Focys):
    result = command("xyzzy")

    assert result.exit_code == 2
    assert "There is no command 'xyzzy'." in result.stderr
    assert "Did you mean" not in result.stderr
