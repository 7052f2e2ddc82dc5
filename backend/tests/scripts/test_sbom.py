"""`make sbom`: what the locks deploy, with hashes."""

import json
import os
import re
from pathlib import Path
from typing import Any

from tests.deploy.shipped import ROOT
from tests.support.processes import run

RECIPE = re.compile(r"^sbom:.*\n((?:\t.*\n)+)", re.MULTILINE)


def components(name: str, tool: str, tmp_path: Path) -> list[dict[str, Any]]:
    """Run the line of the Makefile that uses *tool*, and return the components in the file it writes."""
    (recipe,) = RECIPE.findall((ROOT / "Makefile").read_text())
    (line,) = (line for line in recipe.splitlines() if tool in line)
    target = tmp_path / name
    command = re.sub(rf"(\.\./)?{re.escape(name)}", str(target), line.strip())
    made = run(["sh", "-c", command], folder=ROOT, env=dict(os.environ))
    assert (made.returncode, made.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(target.read_text())["components"]
    return found


def test_the_sbom_lists_every_python_package_of_the_lock_with_its_hashes(tmp_path: Path):
    """CFG-07: the file for the service."""
    lock = (ROOT / "backend" / "requirements.txt").read_text()

    parts = components("python.cdx.json", "cyclonedx-py", tmp_path)

    hashes = [entry["content"] for part in parts for place in part["externalReferences"] for entry in place["hashes"]]
    assert {part["purl"] for part in parts} == {
        f"pkg:pypi/{name}@{version}" for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE)
    }
    assert not [place["url"] for part in parts for place in part["externalReferences"] if "://" in place["url"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:(\w+)", lock))


def test_the_sbom_marks_only_the_pages_own_packages_as_required(tmp_path: Path):
    """CFG-07: React among them, which `npm sbom --omit dev` leaves out because tests need it, too."""
    packages = json.loads((ROOT / "frontend" / "package-lock.json").read_text())["packages"]
    served = {
        path.removeprefix("node_modules/")
        for path, package in packages.items()
        if path and not {"dev", "devOptional"} & package.keys()
    }

    parts = components("pages.cdx.json", "npm sbom", tmp_path)

    required = [part for part in parts if part["scope"] == "required"]
    assert {part["name"] for part in required} == served
    assert "react" in served
    assert all(part["hashes"] and part["licenses"] for part in required)
