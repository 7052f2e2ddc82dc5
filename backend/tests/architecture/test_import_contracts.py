"""Everything points down, the domain is pure, neighbors are strangers: contracts of import-linter."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import BACKEND, FEATURES, imports_of, modules, name_of

LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"
VIOLATIONS = {
    "1 Everything points down": ("infra/ops/clock.py", "import focys.features.audit"),
    "2 The domain is pure": ("domain/totp.py", "import time"),
    "3 Tiers; neighbors are strangers": ("features/totp/codes.py", "import focys.features.lockout"),
    "4 Inside a feature": ("features/sessions/repository.py", "import focys.features.sessions.service"),
    "5 SQL stays in repositories, models and statements": ("features/login/second_factor.py", "import sqlalchemy"),
    "6 HTTP stays in routers": ("features/login/attempt.py", "import fastapi"),
    "7 Inside the infrastructure": ("infra/ops/clock.py", "import focys.infra.db.database"),
}


def verdicts_on(backend: Path) -> dict[str, str]:
    """Each contract's verdict, KEPT or BROKEN, for the code in a folder."""
    ran = subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=backend, capture_output=True, text=True, timeout=60, check=False
    )
    verdicts = dict(re.findall(r"^(\d .+) (KEPT|BROKEN)(?: \(.*\))?$", ran.stdout, flags=re.MULTILINE))
    assert verdicts, ran.stdout + ran.stderr
    assert (ran.returncode == 0) is (set(verdicts.values()) == {"KEPT"}), ran.stdout
    return verdicts


def copy_of_the_backend(tmp_path: Path) -> Path:
    for folder in ("focys", "utils"):
        shutil.copytree(BACKEND / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(BACKEND / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept():
    assert verdicts_on(BACKEND) == dict.fromkeys(VIOLATIONS, "KEPT")


def test_every_contract_notices_a_violation(tmp_path):
    backend = copy_of_the_backend(tmp_path)
    for module, line in VIOLATIONS.values():
        with (backend / "focys" / module).open("a", encoding="utf-8") as source:
            source.write(f"\n{line}\n")

    assert verdicts_on(backend) == dict.fromkeys(VIOLATIONS, "BROKEN")


@pytest.mark.parametrize("line", ["import focys.features.totp", "import focys.features.backup_codes"])
def test_the_factor_protocol_depends_on_no_kind_of_factor(tmp_path, line):
    """The protocol is a separate layer, below the kinds."""
    backend = copy_of_the_backend(tmp_path)
    with (backend / "focys/features/factors/protocol.py").open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")

    assert verdicts_on(backend)["3 Tiers; neighbors are strangers"] == "BROKEN"


def test_the_login_knows_no_kind_of_factor():
    """A new kind is registered in ``focys.services``, and nowhere else."""
    imported = {name for path in modules(FEATURES / "login") for name in imports_of(path)}

    assert {
        name for name in imported if name.startswith(("focys.features.totp", "focys.features.backup_codes"))
    } == set()


def test_a_new_feature_needs_a_tier(tmp_path):
    backend = copy_of_the_backend(tmp_path)
    (backend / "focys/features/homeless").mkdir()
    (backend / "focys/features/homeless/__init__.py").write_text('"""Placed nowhere."""\n')

    ran = subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=backend, capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.returncode != 0
    assert "homeless" in ran.stdout


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_feature_is_entered_by_its_front_door(path):
    """``focys.features.totp``, never a file inside it."""
    own = path.relative_to(FEATURES).parts[0] if path.is_relative_to(FEATURES) else None
    inner_files = {
        f"focys.features.{feature.name}.{file.stem}": feature.name
        for feature in FEATURES.iterdir()
        for file in feature.glob("*.py")
        if file.stem != "__init__"
    }

    assert {name for name in imports_of(path) if inner_files.get(name, own) != own} == set()
