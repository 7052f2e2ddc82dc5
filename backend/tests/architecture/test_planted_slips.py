"""Bugs at the center of the login, planted one at a time: `make check` finds each of them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE

BACKEND = PACKAGE.parent
ROOT = BACKEND.parent
MYPY = [sys.executable, "-m", "mypy", "focys"]
# The type check of the pages starts with this: it builds the service.
BUILD = [sys.executable, "-c", "from focys.app import create_app; create_app()"]


@dataclass(frozen=True)
class Slip:
    """A one-line change, the command that finds it, and a word from its output."""

    file: str
    right: str
    wrong: str
    command: list[str]
    says: str


SLIPS = {
    "a misspelled column": Slip(
        "features/totp/factor.py", "users.c.totp_last_step)", "users.c.totp_last_stp)", BUILD, "totp_last_stp"
    ),
    "a misspelled field": Slip(
        "features/totp/factor.py", "held.totp_last_step)", "held.totp_last_stp)", MYPY, "totp_last_stp"
    ),
    "a misspelled parameter": Slip(
        "features/lockout/repository.py", 'bindparam("strong_from")', 'bindparam("strong_form")', BUILD, "strong_form"
    ),
    "a reason without a sentence": Slip(
        "domain/outcome.py", "    GUARDED = (", '    NEW = "new"\n    GUARDED = (', BUILD, "sentence"
    ),
    "a proof without an event": Slip(
        "domain/login.py",
        '    EMAIL_CODE = "email code"',
        '    EMAIL_CODE = "email code"\n    NEW = "new"',
        MYPY,
        "assert_never",
    ),
    "a misspelled event": Slip("features/totp/factor.py", "Event.TOTP", "Event.TOPT", MYPY, "TOPT"),
    "a wrong type": Slip(
        "features/login/second_factor.py", "taken_back(self.charge_id)", "taken_back(facts.login)", MYPY, "PendingLogin"
    ),
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the backend, with mypy's cache."""
    copy = tmp_path_factory.mktemp("planted") / "backend"
    left_out = shutil.ignore_patterns("__pycache__", "tests", "var", ".mypy_cache", ".hypothesis", "*.egg-info")
    shutil.copytree(BACKEND, copy, ignore=left_out)
    assert _run(MYPY, copy).returncode == 0
    return copy


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
@pytest.mark.timeout(240)
def test_a_planted_mistake_is_found(copied: Path, slip: Slip):
    """Each bug is planted where it affects a sign-in, and then removed."""
    path = copied / "focys" / slip.file
    source = path.read_text(encoding="utf-8")
    assert source.count(slip.right) >= 1, "the slip no longer fits the code"
    path.write_text(source.replace(slip.right, slip.wrong), encoding="utf-8")
    try:
        found = _run(slip.command, copied)
    finally:
        path.write_text(source, encoding="utf-8")

    assert found.returncode != 0
    assert slip.says in found.stdout + found.stderr


def test_make_check_runs_both_commands():
    """Types are checked, and the service is built, before each commit."""
    plan = (ROOT / "scripts" / "verify.py").read_text(encoding="utf-8")
    [check] = [line for line in plan.splitlines() if line.strip().startswith('"check":')]

    assert {"TYPES", "SCHEMA"} <= {word.strip(' ,[]"') for word in check.split()}


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "DATABASE_URL": "", "SECRET_KEY": ""}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
