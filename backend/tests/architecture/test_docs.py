"""The documents hold together: links lead somewhere, and the index of decisions is complete."""

import re
from pathlib import Path

import pytest

from tests import tiers
from tests.architecture.source import BACKEND

ROOT = BACKEND.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
DOCUMENTS = sorted(
    path for folder in (".", "docs", "docs/decisions", "deploy", "bench") for path in (ROOT / folder).glob("*.md")
)


def anchors_of(document: Path) -> set[str]:
    """The names by which a document's headings can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def halves_of(recipe: str) -> tuple[str, str]:
    """What checks a recipe in `make test`, and what only in `make test-deployment`."""
    fast, _, deployment = recipe.partition("in `make test-deployment` by")
    return fast, deployment


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_between_documents_leads_somewhere(document: Path):
    targets = re.findall(r"\]\(([^)\s]+)\)", document.read_text())
    astray = []
    for target in targets:
        name, _, anchor = target.partition("#")
        place = document.parent / name if name else document
        if "://" not in target and not (place.exists() and (not anchor or anchor in anchors_of(place))):
            astray.append(target)

    assert astray == []


def test_the_index_of_decisions_lists_each_with_its_title_and_date():
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    rows = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \| \d{4}-\d{2}-\d{2} \|$", index, flags=re.MULTILINE)

    titles = [path.read_text().partition("\n")[0] for path in DECISIONS]

    assert [(f"# {number}. {title}", name) for number, title, name in rows] == [
        (title, path.name) for title, path in zip(titles, DECISIONS, strict=True)
    ]


def test_decisions_are_numbered_without_a_gap():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("document", ["docs/ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_file_that_a_document_for_developers_names_is_there(document: str):
    text = (ROOT / document).read_text()
    places = ("", "backend", "backend/focys", "backend/focys/features", "backend/tests", "frontend/src")
    named = {name for name in re.findall(r"`([\w./-]+/[\w./-]*)`", text) if not name.startswith("/")}

    missing = {name for name in named if not any((ROOT / place / name).exists() for place in places)}

    assert len(named) > 20
    assert missing == set()


def test_each_recipe_says_which_of_its_checks_are_deployment_tests():
    recipes = re.findall(r"^\*Checked by\*(.+?)$\n\n", CONTRIBUTING, flags=re.MULTILINE | re.DOTALL)

    said = [re.findall(r"`backend/tests/([\w/]+\.py)`", part) for recipe in recipes for part in halves_of(recipe)]

    assert len(recipes) == CONTRIBUTING.count("*Checked by*") > 8
    assert {tiers.tier_of(path, None) for paths in said[::2] for path in paths} == {"fast"}
    assert {tiers.tier_of(path, None) for paths in said[1::2] for path in paths} == {"deployment"}
