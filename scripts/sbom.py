"""Write what is deployed, as CycloneDX: `sbom.py [FILE]`, without a file focys.cdx.json.

It holds what the locks hold: the service's Python packages, and the npm packages that end in the pages. It knows no
time and no address, and its number is made of the locks: the same locks give the same file.
"""

import base64
import hashlib
import importlib.metadata
import json
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.license import LicenseExpression
from lock import PAGE_LOCK, Pin, ends_in_pages, pins_of
from places import BACKEND, ROOT

PYTHON_LOCK = BACKEND / "requirements.txt"
FORMAT = {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6"}
LONGEST_NAME = 80  # what is longer is a whole license
MODULES = "node_modules/"

Json = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Write the file and say what is in it; return the exit code."""
    target = Path(*arguments) if arguments else ROOT / "focys.cdx.json"
    pins = list(pins_of(PYTHON_LOCK))
    packages = json.loads(PAGE_LOCK.read_text())["packages"]
    pages = {path: package for path, package in packages.items() if ends_in_pages(package)}
    target.write_text(json.dumps(_bill(pins, pages), indent=2) + "\n")
    print(f"{target.name}: {len(pins)} Python packages, and {len(pages) - 1} in the pages.")
    return 0


def _bill(pins: list[Pin], pages: Json) -> Json:
    project = tomllib.loads((BACKEND / "pyproject.toml").read_text())["project"]
    ours = {"type": "application", "bom-ref": project["name"], "name": project["name"], "version": project["version"]}
    direct = [_python_purl(pin) for pin in pins if any(parent.startswith("-r ") for parent in pin.needed_by)]
    graph = {ours["bom-ref"]: direct + _needed_by_page("", pages)}
    graph |= {_python_purl(pin): [_python_purl(child) for child in pins if pin.name in child.needed_by] for pin in pins}
    graph |= {_page_purl(path, pages): _needed_by_page(path, pages) for path in pages if path}
    locks = hashlib.sha256(PYTHON_LOCK.read_bytes() + PAGE_LOCK.read_bytes()).hexdigest()
    components = [_python_component(pin) for pin in pins] + [_page_component(path, pages) for path in pages if path]
    return {
        **FORMAT,
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, locks).urn,
        "version": 1,
        "metadata": {"component": {**ours, "licenses": _license(project["license"]["text"])}},
        "components": [{name: value for name, value in part.items() if value != []} for part in components],
        "dependencies": [{"ref": ref, "dependsOn": needed} for ref, needed in graph.items()],
    }


def _python_component(pin: Pin) -> Json:
    # A version has several files and any of them may be installed, so the hashes are those of its distribution:
    # there the CycloneDX tool for Python has them, too.
    hashes = [{"alg": "SHA-256", "content": content} for content in pin.hashes]
    return {
        "type": "library",
        "bom-ref": _python_purl(pin),
        "name": pin.name,
        "version": pin.version,
        "scope": "optional" if pin.condition else "required",
        "licenses": _license(_words_of_license(pin)),
        "purl": _python_purl(pin),
        "externalReferences": [{"type": "distribution", "url": _python_purl(pin), "hashes": hashes}],
        "properties": [{"name": "focys:only-where", "value": pin.condition}] if pin.condition else [],
    }


def _page_component(path: str, pages: Json) -> Json:
    package, purl = pages[path], _page_purl(path, pages)
    algorithm, _, digest = package["integrity"].partition("-")
    return {
        "type": "library",
        "bom-ref": purl,
        "name": path.rpartition(MODULES)[2],
        "version": package["version"],
        "scope": "required",
        "hashes": [{"alg": algorithm.replace("sha", "SHA-"), "content": base64.b64decode(digest).hex()}],
        "licenses": _license(package.get("license", "")),
        "purl": purl,
    }


def _python_purl(pin: Pin) -> str:
    return f"pkg:pypi/{pin.name}@{pin.version}"


def _page_purl(path: str, pages: Json) -> str:
    name = path.rpartition(MODULES)[2].replace("@", "%40")
    return f"pkg:npm/{name}@{pages[path]['version']}"


def _needed_by_page(path: str, pages: Json) -> list[str]:
    return [_page_purl(_nearest(name, path, pages), pages) for name in pages[path].get("dependencies", {})]


def _nearest(name: str, path: str, pages: Json) -> str:
    """Find a package as Node does: in the folder of who needs it first, then in those around it."""
    folders = {place: place.rpartition(MODULES)[0] for place in pages if place.rpartition(MODULES)[2] == name}
    return max((place for place, folder in folders.items() if f"{path}/".startswith(folder)), key=len)


def _words_of_license(pin: Pin) -> str:
    """Ask the installed package; nothing is known of one that this machine does not need."""
    try:
        package = importlib.metadata.metadata(pin.name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    if package["Version"] != pin.version:
        return ""
    classifiers = [words for words in package.get_all("Classifier", []) if words.startswith("License ::")]
    told = [*package.get_all("License-Expression", []), *package.get_all("License", []), *classifiers]
    return next((words.rpartition(" :: ")[2] for words in told if 0 < len(words) < LONGEST_NAME), "")


def _license(words: str) -> list[Json]:
    if not words:
        return []
    made = LicenseFactory().make_from_string(words)
    if isinstance(made, LicenseExpression):
        return [{"expression": made.value}]
    return [{"license": {"id": made.id} if made.id else {"name": made.name}}]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
