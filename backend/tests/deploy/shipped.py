"""The files of ``deploy/`` as they are shipped, and as a test can use them: the one place where paths and ports change."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.processes import BACKEND, PROGRAMS

ROOT = BACKEND.parent
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "focys-backend.service"
SITE = DEPLOY / "nginx" / "focys.conf"
FOLDERS = {"Logs": "/var/log", "State": "/var/lib", "Runtime": "/run"}
DOMAIN = "login.example.com"


def program(*names: str, package: str) -> str:
    """Find the first of some programs; a test without it fails, since a skipped one proves nothing."""
    system = ["/usr/local/sbin", "/usr/sbin", "/sbin"]
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *system, str(PROGRAMS)])
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None:
        pytest.fail(f"This test needs the program {names[0]}, which is missing here: install the package {package}.")
    return found


def replaced(file: Path, changes: Mapping[str, str]) -> str:
    """Return a shipped file's text with paths, ports and names changed; each of them must stand in it."""
    return _changed(file.read_text(), changes, file.name)


def _changed(text: str, changes: Mapping[str, str], name: str) -> str:
    # In one pass: what is put in is not looked at again, for a free port may begin with 443.
    for old in changes:
        assert old in text, f"{name} does not name {old}"
    longest_first = sorted(changes, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: changes[found[0]], text)


def unit_values(key: str, unit: Path = UNIT) -> list[str]:
    """Return what a unit says for a key, with continued lines joined."""
    text = unit.read_text().replace("\\\n", " ")
    return [" ".join(value.split()) for value in re.findall(rf"^{key}=(.*)$", text, flags=re.MULTILINE)]


def unit_command(folder: Path, *, port: int) -> str:
    """Return the unit's ExecStart, with our programs on a port and in a folder of the test."""
    (command,) = unit_values("ExecStart")
    changes = {"/app/venv/bin/": f"{PROGRAMS}/", "127.0.0.1:8000": f"127.0.0.1:{port}"}
    return _moved(_changed(command, changes, UNIT.name), folder)


def unit_environment(folder: Path) -> dict[str, str]:
    """Return what the unit's Environment lines set, and make the folders it names in a folder of the test."""
    for kind, place in FOLDERS.items():
        for name in unit_values(f"{kind}Directory")[0].split():
            Path(_moved(f"{place}/{name}", folder)).mkdir(parents=True)
    lines = [value for value in unit_values("Environment") if not value.startswith("PATH=")]
    return dict(_moved(line, folder).split("=", 1) for line in lines)


def _moved(text: str, folder: Path) -> str:
    for place in FOLDERS.values():
        text = text.replace(f"{place}/focys", f"{folder}{place}/focys")
    return text
