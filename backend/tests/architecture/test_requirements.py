"""The catalog in docs/REQUIREMENTS.md and the tests agree, in both directions."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.source import BACKEND, tree_of

ROOT = BACKEND.parent
TESTS = BACKEND / "tests"
CATALOG = ROOT / "docs" / "REQUIREMENTS.md"
ROW = re.compile(r"^\| ([A-Z]+-\d\d) \| ([^|]+) \| ([^|]*) \| ([^|]+) \|$", flags=re.MULTILINE)
ID = re.compile(r"\b[A-Z]{3,4}-\d\d\b")
PROOF = re.compile(r"`(?P<file>[\w./]+)`(?:: (?P<tests>`\w+`(?:, `\w+`)*))?")
NOT_PROVEN = re.compile(r"not proven here: \S.+")


@dataclass(frozen=True)
class Requirement:
    """A row of the catalog: its proofs are files, each with the tests that are listed after it."""

    id: str
    promise: str
    proven_by: str

    @property
    def proofs(self) -> dict[str, list[str]]:
        return {proof["file"]: re.findall(r"\w+", proof["tests"] or "") for proof in PROOF.finditer(self.proven_by)}


def requirements() -> list[Requirement]:
    rows = ROW.findall(CATALOG.read_text(encoding="utf-8"))
    return [Requirement(name, promise, proven_by) for name, promise, _, proven_by in rows]


@cache
def functions_of(path: Path) -> dict[str, str]:
    """The tests of a file, each with its docstring."""
    return {
        node.name: ast.get_docstring(node) or ""
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def mentions() -> Iterator[tuple[str, str, str]]:
    """Every id that a docstring mentions, with the file and the test."""
    for path in TESTS.rglob("test_*.py"):
        for test, docstring in functions_of(path).items():
            for name in ID.findall(docstring):
                yield name, path.relative_to(TESTS).as_posix(), test


def test_the_whole_catalog_is_read():
    rows = [line for line in CATALOG.read_text(encoding="utf-8").splitlines() if re.match(r"\| [A-Z]+-\d", line)]

    names = [requirement.id for requirement in requirements()]

    assert len(names) == len(rows) > 100
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.id)
def test_every_requirement_lists_its_tests_or_says_why_not(requirement: Requirement):
    assert bool(requirement.proofs) is not bool(NOT_PROVEN.fullmatch(requirement.proven_by))
    for file, tests in requirement.proofs.items():
        if file.startswith("frontend/"):
            assert (ROOT / file).is_file(), f"{file} does not exist"
            continue
        assert (TESTS / file).is_file(), f"{file} does not exist"
        found = functions_of(TESTS / file)
        assert set(tests) <= set(found), f"{file} does not have all of {tests}"
        assert tests or any(requirement.id in docstring for docstring in found.values()), f"{file} does not mention it"


def test_every_mention_of_a_requirement_is_in_the_catalog():
    files = {requirement.id: set(requirement.proofs) for requirement in requirements()}

    unlisted = {
        f"{name}: add `{file}`" for name, file, _ in mentions() if name in files and file not in files[name]
    } | {f"{name} of {file}::{test} is no requirement" for name, file, test in mentions() if name not in files}

    assert unlisted == set()
