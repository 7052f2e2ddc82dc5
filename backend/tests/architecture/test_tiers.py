"""Every test belongs to a tier, and the README's two test commands together run all of them."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiers
from tests.architecture.source import BACKEND

ROOT = BACKEND.parent
TESTS = BACKEND / "tests"
MAKE_TEST = re.compile(r"^(make test[\w-]*)", flags=re.MULTILINE)

PRINT_COMMANDS = """
import verify
for plan in ("test", "test-deployment"):
    [command] = [c for section in verify.PLANS[plan] for c in section.commands if c.startswith("pytest ")]
    print(command)
"""
COLLECT = """
import pytest

class Selection:
    def pytest_collection_finish(self, session):
        from tests import conftest, tiers  # not before pytest has prepared them
        for tier in (None, *tiers.TIERS):
            session.config.option.tier, selected = tier, list(session.items)
            conftest.pytest_collection_modifyitems(session.config, selected)
            for item in selected:
                print(tier, item.nodeid)

raise SystemExit(pytest.main(["--collect-only", "-qqq"], plugins=[Selection()]))
"""


def run(script: str, folder: Path) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return ran.stdout.splitlines()


def test_each_test_is_in_one_tier_on_each_of_its_databases():
    selected: dict[str, list[str]] = {"None": [], **{tier: [] for tier in tiers.TIERS}}
    for line in run(COLLECT, BACKEND):
        tier, _, test = line.partition(" ")
        if tier in selected:
            selected[tier].append(test)

    assert sorted(selected["fast"] + selected["deployment"]) == sorted(selected["None"])
    assert {test.partition("::")[0] for test in selected["None"]} == {
        path.relative_to(BACKEND).as_posix() for path in TESTS.rglob("test_*.py")
    }


def test_the_two_commands_run_whole_tiers():
    commands = [shlex.split(line) for line in run(PRINT_COMMANDS, ROOT / "scripts")]

    options = [re.sub(r"-n \d|--durations \d+", "", " ".join(command[1:])).split() for command in commands]

    assert options == [["-q", "--dist", "loadfile", "--tier", tier] for tier in tiers.TIERS]


@pytest.mark.parametrize("pattern", [*tiers.DEPLOYMENT, *tiers.FAST, *tiers.ON_BOTH_DATABASES])
def test_every_pattern_matches_a_file(pattern: str):
    assert any(tiers.matches(path.relative_to(TESTS).as_posix(), (pattern,)) for path in TESTS.rglob("test_*.py"))


def test_ci_runs_the_test_commands_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert MAKE_TEST.findall(readme) == MAKE_TEST.findall(ci) == ["make test", "make test-deployment"]


@pytest.mark.parametrize(
    ("path", "database", "tier"),
    [
        ("domain/test_totp_arithmetic.py", None, "fast"),
        ("cli/test_users.py", "sqlite", "fast"),
        ("cli/test_users.py", "postgresql", "deployment"),
        ("features/login/test_stages.py", "postgresql", "fast"),
        ("races/test_sessions.py", None, "fast"),
        ("faults/test_kill.py", None, "deployment"),
        ("guide/test_migrations.py", "postgresql", "fast"),
    ],
)
def test_a_tier_follows_from_the_file_and_the_database(path: str, database: str | None, tier: str):
    assert tiers.tier_of(path, database) == tier
