"""What systemd itself says about a shipped unit."""

import subprocess
from pathlib import Path

from tests.deploy.shipped import program, unit_values


def systemd_analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [program("systemd-analyze", package="systemd"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def allowed_calls(unit: Path) -> set[str]:
    """The system calls that a unit leaves its service."""
    allowed = _calls_of("@default")
    for line in unit_values("SystemCallFilter", unit):
        names = set().union(*(_calls_of(name) for name in line.removeprefix("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def _calls_of(group: str) -> set[str]:
    listed = systemd_analyze("syscall-filter", "--no-pager", group).stdout.split("\n")[1:]
    names = [name.strip() for name in listed if name.strip() and not name.strip().startswith("#")]
    return set().union(*(_calls_of(name) if name.startswith("@") else {name} for name in names))
