"""`make sbom`: all that the locks deploy, with its hashes, and nothing else."""

import json
import os
import re
import sys
from base64 import b64decode
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.deploy.shipped import ROOT
from tests.support.processes import run

SCHEMAS = files("cyclonedx.schema") / "_res"
NAMESPACE = "http://cyclonedx.org/schema/"
ENTRY = re.compile(r"^([\w.-]+)==([^\s;]+).*((?:\n[ ]+--hash=.*)+)", re.MULTILINE)


def make_sbom(target: Path) -> str:
    made = run(
        [sys.executable, "scripts/sbom.py", str(target)], folder=ROOT, env={**os.environ, "PYTHONWARNINGS": "error"}
    )
    assert made.returncode == 0, made.stderr
    return target.read_text()


@pytest.fixture(scope="module")
def sbom(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(make_sbom(tmp_path_factory.mktemp("sbom") / "focys.cdx.json"))
    return parsed


def of_kind(sbom: dict[str, Any], kind: str) -> dict[str, Any]:
    return {part["purl"]: part for part in sbom["components"] if part["purl"].startswith(f"pkg:{kind}/")}


def schema(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((SCHEMAS / name).read_text())
    return parsed


def test_it_is_cyclonedx(sbom: dict[str, Any]):
    """CFG-07: by the published schema, read from a package; a made-up license shows that it is read."""
    others = [
        (NAMESPACE + name, schema(name)) for name in ("spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")
    ]
    registry = jsonschema_rs.Registry(others)
    valid = jsonschema_rs.validator_for(schema("bom-1.6.SNAPSHOT.schema.json"), registry=registry)
    first, *rest = sbom["components"]
    made_up = {**first, "licenses": [{"license": {"id": "made up"}}]}

    problems = [f"{list(error.instance_path)}: {error.message}" for error in valid.iter_errors(sbom)]

    assert problems == []
    assert not valid.is_valid({**sbom, "components": [made_up, *rest]})


def test_each_python_package_of_the_lock_is_in_it_with_all_its_hashes(sbom: dict[str, Any]):
    """CFG-07."""
    lock = (ROOT / "backend" / "requirements.txt").read_text()
    locked = {
        f"pkg:pypi/{name}@{version}": set(re.findall(r"sha256:(\w+)", hashes))
        for name, version, hashes in ENTRY.findall(lock)
    }

    listed = {
        purl: {entry["content"] for place in part["externalReferences"] for entry in place["hashes"]}
        for purl, part in of_kind(sbom, "pypi").items()
    }

    assert listed == locked
    assert sum(map(len, listed.values())) == lock.count("--hash=sha256:")
    assert len(locked) == lock.count("==") - lock.count(" == '")


def test_each_package_that_ends_in_the_pages_is_in_it_with_its_hash(sbom: dict[str, Any]):
    """CFG-07: what npm's own list leaves out, React, is what the pages are made of."""
    packages = json.loads((ROOT / "frontend" / "package-lock.json").read_text())["packages"]
    locked = {
        path.removeprefix("node_modules/"): b64decode(package["integrity"].removeprefix("sha512-")).hex()
        for path, package in packages.items()
        if path and not package.get("dev") and not package.get("devOptional")
    }

    listed = {part["name"]: part["hashes"] for part in of_kind(sbom, "npm").values()}

    assert listed == {name: [{"alg": "SHA-512", "content": content}] for name, content in locked.items()}
    assert {"react", "react-dom", "scheduler", *packages[""]["dependencies"]} <= listed.keys()
    assert f"pkg:npm/scheduler@{packages['node_modules/scheduler']['version']}" in of_kind(sbom, "npm")


def test_it_says_who_needs_what_and_nothing_stands_alone(sbom: dict[str, Any]):
    """CFG-07."""
    graph = {edges["ref"]: edges["dependsOn"] for edges in sbom["dependencies"]}
    reached, ahead = {"focys"}, ["focys"]

    while ahead:
        new = [part for part in graph[ahead.pop()] if part not in reached]
        reached.update(new)
        ahead += new

    assert reached == graph.keys() == {"focys"} | {part["bom-ref"] for part in sbom["components"]}
    assert len(sbom["components"]) == len(of_kind(sbom, "pypi")) + len(of_kind(sbom, "npm"))


def test_each_package_that_is_installed_has_its_license(sbom: dict[str, Any]):
    """CFG-07: of one for another system or another Python nothing is known here, and the condition is told."""
    unknown = {part["name"] for part in sbom["components"] if "licenses" not in part}
    conditional = {part["name"] for part in sbom["components"] if part["scope"] == "optional"}
    (colorama,) = (part for part in sbom["components"] if part["name"] == "colorama")

    assert unknown <= conditional
    assert colorama["properties"] == [{"name": "focys:only-where", "value": "sys_platform == 'win32'"}]


def test_the_same_locks_give_the_same_file_without_time_or_address(tmp_path: Path):
    """CFG-07."""
    first, second = make_sbom(tmp_path / "first.cdx.json"), make_sbom(tmp_path / "second.cdx.json")

    assert first == second
    assert "timestamp" not in first
    assert re.findall(r"\w+://[^\"]+", first) == [f"{NAMESPACE}bom-1.6.schema.json"]
