"""Every test belongs to a tier, and the README's two test commands together run all of them."""

import re
import shlex
import subprocess
import sys

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


def pytest_commands() -> list[list[str]]:
    """The backend's test commands of both make targets."""
    ran = subprocess.run(
        [sys.executable, "-c", PRINT_COMMANDS], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
    )
    return [shlex.split(line) for line in ran.stdout.splitlines()]


def collected(command: list[str]) -> tuple[set[str], int]:
    """The ids of the tests that a command selects, and how many it has to select from."""
    arguments = [*command[1:], "--collect-only", "-n", "0"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=BACKEND, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    *lines, last = [line for line in ran.stdout.splitlines() if line]
    total = re.match(r"(?:\d+/)?(\d+) tests collected", last)
    assert total, last
    return {line for line in lines if "::" in line}, int(total[1])


def test_the_two_test_commands_run_each_test_on_each_database_once():
    (fast, all_seen_by_fast), (deployment, all_seen_by_deployment) = map(collected, pytest_commands())

    assert fast & deployment == set()
    assert len(fast) + len(deployment) == all_seen_by_fast == all_seen_by_deployment
    assert {test.partition("::")[0] for test in fast | deployment} == {
        path.relative_to(BACKEND).as_posix() for path in TESTS.rglob("test_*.py")
    }


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
        ("races/test_bursts.py", None, "fast"),
        ("faults/test_kill.py", None, "deployment"),
        ("guide/test_migrations.py", "postgresql", "fast"),
    ],
)
def test_a_tier_follows_from_the_file_and_the_database(path: str, database: str | None, tier: str):
    assert tiers.tier_of(path, database) == tier
