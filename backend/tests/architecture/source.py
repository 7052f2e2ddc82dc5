"""The service's own source, as files and as syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

BACKEND = Path(__file__).parents[2]
PACKAGE = BACKEND / "focys"
FEATURES = PACKAGE / "features"


def modules(folder: Path = PACKAGE) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """A module's path from the package on, such as ``features/totp/service.py``."""
    return path.relative_to(PACKAGE).as_posix()


def calls_in(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a module with the dotted text of what is called."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a module imports, by its full name."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
