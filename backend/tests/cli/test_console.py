"""What an operator typed is said back as text: it neither colors the sentence nor steers the terminal."""

import pytest

from tests.cli.conftest import Focys

HOSTILE = ["[/]", "[bold]x[/]", "\x1b[31mx", "x\u202e"]


@pytest.mark.parametrize("typed", HOSTILE)
def test_a_mistake_says_back_what_was_typed_and_nothing_obeys_it(focys: Focys, typed: str):
    """LOG-03."""
    result = focys("backup", "verify", typed)

    shown = typed.replace("\x1b", "?").replace("\u202e", "?")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == f"✗ There is no file {shown}."
