"""The documents hold together: links lead somewhere, and the index of decisions is complete."""

import re
from pathlib import Path

import pytest

from tests.architecture.source import BACKEND

ROOT = BACKEND.parent
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
DOCUMENTS = sorted(
    path for folder in (".", "docs", "docs/decisions", "deploy", "bench") for path in (ROOT / folder).glob("*.md")
)


def anchors_of(document: Path) -> set[str]:
    """The names by which a document's headings can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


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


def test_every_file_that_the_architecture_names_is_there():
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    places = ("", "backend", "backend/focys", "backend/focys/features", "backend/tests", "frontend/src")
    named = {name for name in re.findall(r"`([\w./-]+/[\w./-]*)`", text) if not name.startswith("/")}

    missing = {name for name in named if not any((ROOT / place / name).exists() for place in places)}

    assert len(named) > 20
    assert missing == set()
