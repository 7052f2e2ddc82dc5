"""Walls as the unit has systemd build them, and what the kernel says of a process behind them."""

import re
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

# What ProtectSystem=strict does: nothing can be written but in the folders that are named before the command.
READ_ONLY = """
mount --make-rprivate /
for folder in "$@"; do [ "$folder" = -- ] && break; mount --bind "$folder" "$folder"; done
for place in / $(findmnt -n -o TARGET -T "$0"); do mount -o remount,bind,ro "$place"; done
while [ "$1" != -- ]; do shift; done; shift
exec "$@"
"""
LISTENS = "0A"


def read_only_but_for(folder: Path, writable: Iterable[Path]) -> list[str]:
    """Return what to put before a command; *folder* is one of those that become read-only."""
    own_view = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", READ_ONLY]
    return [*own_view, str(folder), *map(str, writable), "--"]


def confinement(process: int) -> dict[str, str]:
    """What the kernel knows of it: 1 is no new privileges, 2 a filter of system calls."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return {name: lines[name].strip() for name in ("NoNewPrivs", "Seccomp")}


def listening(process: int) -> set[tuple[str, int]]:
    """The addresses at which a process takes connections."""
    links = (str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir())
    own = {match[1] for link in links if (match := re.fullmatch(r"socket:\[(\d+)\]", link))}
    found = set()
    for family, table in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and fields[9] in own:
                found.add(_address(family, fields[1]))
    return found


def _address(family: int, text: str) -> tuple[str, int]:
    host, port = text.split(":")
    words = [int(host[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(host), 8)]
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)
