"""Rules of the house that a reader relies on: where time, chance and sessions come from, and what a file looks like."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import (
    BACKEND,
    FEATURES,
    PACKAGE,
    calls_in,
    imports_of,
    modules,
    name_of,
    tree_of,
)

RUFF = Path(sys.executable).parent / "ruff"
LONGEST_FILE = 400
CHANCE = {
    ("cli/backup/scratch.py", "secrets.token_hex(6)"): "a database name nobody else has",
    ("cli/backup/restore.py", "secrets.token_hex(16)"): "a key for psql that the dump cannot know",
    ("cli/doctor/checks_network.py", "secrets.token_hex(8)"): "the address of nobody",
    ("cli/doctor/checks_network.py", "secrets.token_urlsafe(16)"): "the password of nobody",
    ("features/accounts/tickets.py", "secrets.token_bytes(crockford.CODE_BYTES)"): "80 bits of a ticket",
    ("features/backup_codes/service.py", "secrets.token_bytes(crockford.CODE_BYTES)"): "80 bits of a backup code",
    ("features/passwords/service.py", "secrets.token_bytes(crockford.CODE_BYTES)"): "80 bits of a first password",
    ("features/totp/enrollment.py", "secrets.token_bytes(totp.SECRET_BYTES)"): "160 bits of a TOTP secret",
    ("infra/crypto/hashing.py", "secrets.token_bytes(_SALT_BYTES)"): "a salt",
    ("infra/crypto/hashing.py", "secrets.token_urlsafe(16)"): "the password of nobody",
    ("infra/web/http.py", "secrets.token_hex(16)"): "the id of a request",
    ("infra/crypto/secret_box.py", "os.urandom(_NONCE_BYTES)"): "a nonce",
    ("infra/crypto/tokens.py", "secrets.token_bytes(SEED_BYTES)"): "256 bits of a refresh token",
    ("infra/crypto/tokens.py", "secrets.token_urlsafe(32)"): "256 bits of a login token",
    ("settings/secret_files.py", "secrets.token_urlsafe(48)"): "384 bits of a generated key",
    ("settings/secret_files.py", "secrets.token_hex(8)"): "a file name nobody else has",
}
"""Every draw of the service, with what it is for."""

SECRET_WORDS = ("mac", "digest", "token", "handle", "password", "hash", "seed", "signature", "code")


def complaints_about(source: str, path: str) -> set[str]:
    """The rules that ruff finds broken by *source*, if it stood at *path* in the package."""
    ran = subprocess.run(
        [RUFF, "check", "--no-cache", "--output-format=concise", f"--stdin-filename=focys/{path}", "-"],
        input=source,
        cwd=BACKEND,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode in {0, 1}, ran.stderr
    return {line.split()[1] for line in ran.stdout.splitlines() if line.startswith("focys/")}


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("import time\n\nNOW = time.time()", "TID251"),
        ("from time import time\n\nNOW = time()", "TID251"),
        ("from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)", "TID251"),
        ("import datetime as dt\n\nNOW = dt.datetime.now(dt.UTC)", "TID251"),
        ("from datetime import datetime\n\nNOW = datetime.utcnow()", "TID251"),
        ("from datetime import datetime\n\nNOW = datetime.today()", "DTZ002"),
        ("from datetime import date\n\nNOW = date.today()", "DTZ011"),
        ("import os\n\nHOME = os.environ", "TID251"),
        ("import os\n\nHOME = os.getenv('HOME')", "TID251"),
        ("import random\n\nDIGIT = random.randrange(10)", "TID251"),
        ("from random import SystemRandom\n\nDIGIT = SystemRandom()", "TID251"),
    ],
)
@pytest.mark.parametrize("path", ["domain/planted.py", "features/totp/planted.py", "infra/planted.py"])
def test_the_linter_refuses_the_clock_the_environment_and_weak_randomness(path, statement, rule):
    """TOTP-08, CRY-06: time is a parameter; one file reads the clock, one the environment, none the random module."""
    source = f'"""Planted."""\n\n{statement}\n'

    assert rule in complaints_about(source, path)


def test_only_clock_and_settings_may_read_clock_and_environment():
    clock = '"""Planted."""\n\nimport time\n\nNOW = time.time()\n'
    environment = '"""Planted."""\n\nimport os\n\nHOME = os.environ\n'

    assert complaints_about(clock, "infra/ops/clock.py") == set()
    assert complaints_about(environment, "settings/model.py") == set()


def test_no_line_disables_that_rule():
    assert [name_of(path) for path in modules() if "TID251" in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("path", modules(PACKAGE / "domain"), ids=name_of)
def test_the_domain_takes_time_as_a_parameter(path):
    readings = [name for name, _ in calls_in(path) if name.rsplit(".", 1)[-1] in {"now", "today", "utcnow", "time"}]

    assert readings == []
    assert not {"time", "zoneinfo", "secrets", "random", "os"} & set(imports_of(path))


def test_one_function_writes_sessions_and_one_place_calls_it():
    """FLOW-07: every way in ends in one function that checks the evidence against the policy."""
    inserts, openings, asked = [], [], []
    for path in modules():
        for name, call in calls_in(path):
            first = ast.unparse(call.args[0]) if call.args else ""
            if (name in {"Change", "insert"} and first == "sessions") or name == "sessions.insert":
                inserts.append((name_of(path), function_around(path, call)))
            if name == "opened":
                openings.append((name_of(path), function_around(path, call)))
            if name.endswith("sessions.open"):
                asked.append((name_of(path), function_around(path, call)))

    assert inserts == [("features/sessions/repository.py", "opened")]
    assert openings == [("features/sessions/service.py", "open")]
    assert asked == [("features/login/attempt.py", "open_session")]


def test_no_sql_text_writes_sessions():
    assert [name_of(path) for path in modules() if "into sessions" in path.read_text(encoding="utf-8").lower()] == []


def test_opening_a_session_checks_the_policy_first():
    service = tree_of(FEATURES / "sessions/service.py")
    opens = next(node for node in ast.walk(service) if isinstance(node, ast.FunctionDef) and node.name == "open")
    statements = [node for node in opens.body if not isinstance(node, ast.Expr)]

    assert ast.unparse(statements[0]) == (
        "if not self._satisfies_policy(evidence.amr, bypassed=evidence.is_bypassed(now)):\n    raise PolicyError"
    )


def test_every_random_value_is_listed_and_comes_from_the_system():
    draws = {
        (name_of(path), ast.unparse(call))
        for path in modules()
        for name, call in calls_in(path)
        if name.startswith(("secrets.token", "secrets.rand", "secrets.choice", "os.urandom", "random."))
    }

    assert draws == set(CHANCE)


def test_only_the_secrets_module_and_nonces_are_random():
    """CRY-06: a UUID is an identifier; only the random kind is used, and none for a secret."""
    imported = {name for path in modules() for name in imports_of(path)}

    assert not {"random", "numpy.random"} & imported
    assert {name for name in imported if name.startswith("uuid.")} <= {"uuid.UUID", "uuid.uuid4"}
    assert {name for name in imported if name.startswith("secrets.")} == set()


def test_secrets_are_not_compared_with_the_equals_sign():
    """CRY-06: ``hmac.compare_digest`` is for that; a database looks login tokens up by their hash, and constants are no secrets."""
    compared = [
        f"{name_of(path)}: {ast.unparse(node)}"
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and not any(is_sql(side) for side in (node.left, *node.comparators))
        and not any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
        and any(is_secret(side) for side in (node.left, *node.comparators))
    ]

    assert compared == []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize(
    "feature", sorted(f for f in FEATURES.iterdir() if (f / "__init__.py").exists()), ids=lambda f: f.name
)
def test_every_front_door_lists_what_it_offers(feature):
    door = tree_of(feature / "__init__.py")
    assigned = {ast.unparse(node.targets[0]): node.value for node in door.body if isinstance(node, ast.Assign)}

    offered = ast.literal_eval(assigned["__all__"])

    assert offered == sorted(set(offered), key=lambda word: (not word.isupper(), not word[0].isupper(), word))


def test_tests_replace_and_import_no_private_name():
    """Ruff's SLF001 finds the other uses."""
    found = {
        path.relative_to(BACKEND / "tests").as_posix()
        for path in modules(BACKEND / "tests")
        if any(re.search(r"(^|\.)_[a-z]", name) for name in (*own_imports_of(path), *replaced_in(path)))
    }

    assert found == set()


def own_imports_of(path: Path) -> list[str]:
    return [name for name in imports_of(path) if name.startswith(("focys.", "utils.", "tests."))]


def replaced_in(path: Path) -> list[str]:
    """The names that a test's monkeypatch replaces."""
    patches = [call for name, call in calls_in(path) if name.endswith((".setattr", ".delattr", ".setitem"))]
    strings = [arg.value for call in patches for arg in call.args[:2] if isinstance(arg, ast.Constant)]
    return [text for text in strings if isinstance(text, str)]


def test_no_file_is_too_long():
    sizes = {
        path.relative_to(BACKEND).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("focys", "utils", "tests", "migrations")
        for path in modules(BACKEND / folder)
    }

    assert {name: lines for name, lines in sizes.items() if lines > LONGEST_FILE} == {}


def function_around(path: Path, call: ast.Call) -> str:
    """The name of the innermost function that holds a call."""
    around = [
        node
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and call in ast.walk(node)
    ]
    return max(around, key=lambda node: node.lineno).name if around else "<module>"


def is_sql(side: ast.expr) -> bool:
    return ".c." in ast.unparse(side) or ast.unparse(side).startswith("bindparam(")


def is_secret(side: ast.expr) -> bool:
    if isinstance(side, ast.Name | ast.Attribute):
        word = ast.unparse(side).rsplit(".", 1)[-1].lower()
        return word != "status_code" and any(word == secret or word.endswith(f"_{secret}") for secret in SECRET_WORDS)
    return False
