"""Fail if a file of the repository names a package registry or a path of somebody's machine."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lock import LOCKS, PAGE_LOCK
from places import ROOT

REGISTRY = re.compile(r"(?:pypi|pythonhosted|npmjs|yarnpkg|debian)\.(?:org|com)")
# Folders where people and build machines keep their work, and the one this runs in.
MACHINE = re.compile(rf"(?<![\w.])/(?:home|Users|root|work|workspace|builds)/\w|{re.escape(str(ROOT))}(?![\w.-])")
# A Python lock holds names, versions and hashes; npm's may hold the addresses of funding pages.
IN_LOCK = re.compile(r"://|^\s*-(?:i|f|-(?:extra-)?index-url|-find-links)\b")
IN_PAGE_LOCK = re.compile(r'"resolved": ')


def main() -> int:
    """Print what was found; return the exit code."""
    found = [line for file in _files() for line in _leaks_in(file)]
    print("\n".join(found) or "None found.")
    return 1 if found else 0


def _files() -> Iterator[Path]:
    if not (ROOT / ".git").exists():
        # Not a clone, so nothing can be committed from here.
        yield from [*LOCKS, PAGE_LOCK]
        return
    # Also for root in somebody else's clone, which git would refuse.
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    yield from (ROOT / name for name in listed.split("\0") if name)


def _leaks_in(file: Path) -> Iterator[str]:
    patterns = [
        REGISTRY,
        MACHINE,
        *([IN_LOCK] if file in LOCKS else []),
        *([IN_PAGE_LOCK] if file == PAGE_LOCK else []),
    ]
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return  # a picture, a file just deleted, a link to a folder
    for number, line in enumerate(lines, start=1):
        if any(pattern.search(line) for pattern in patterns):
            yield f"{file.relative_to(ROOT)}:{number}: {line.strip()[:100]}"


if __name__ == "__main__":
    sys.exit(main())
