"""What make passes on to the scripts."""

import subprocess

import pytest

from tests.deploy.shipped import ROOT


def commands(*arguments: str) -> str:
    """Return the commands that make would run."""
    return subprocess.run(
        ["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("target", ["run", "dev"])
def test_a_chosen_port_is_checked_and_then_used(target: str):
    setup, server = commands(target, "PORT=9123").splitlines()

    assert "--port '9123'" in setup
    assert "--port '9123'" in server
