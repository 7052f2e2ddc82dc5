"""Write the lock files, or check that they fit what they were made from: `lock.py write [--upgrade]|check`.

The first line of a Python lock holds the hash of its .in files, so a check needs no network.
npm checks its own lock at every `npm ci`.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from environment import clean_environment
from places import BACKEND, FRONTEND, PYTHON_FLOOR, ROOT, SCRIPTS, VENV_BIN

# Each lock with what it is made from. The service's comes first: the developers' one takes its versions.
LOCKS = {
    BACKEND / "requirements.txt": [BACKEND / "requirements.in"],
    BACKEND / "requirements-dev.txt": [BACKEND / "requirements-dev.in", BACKEND / "requirements.in"],
    SCRIPTS / "uv.txt": [SCRIPTS / "uv.in"],
    FRONTEND / "node.txt": [FRONTEND / "node.in"],
}
PAGE_LOCK = FRONTEND / "package-lock.json"


def main(act: str, arguments: list[str]) -> int:
    """Write or check all locks; return the exit code."""
    if act == "write":
        if not (VENV_BIN / "uv").exists():
            _run(["pip", "install", "--quiet", "--require-hashes", "-r", "uv.txt"], SCRIPTS)
        for lock, sources in LOCKS.items():
            _compile(lock, sources[0].name, arguments)
            lock.write_text(f"{_first_line(sources)}\n{lock.read_text()}")
        _run(["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"], FRONTEND)
        return 0
    stale = [lock for lock, sources in LOCKS.items() if not lock.read_text().startswith(f"{_first_line(sources)}\n")]
    for lock in stale:
        name = lock.relative_to(ROOT)
        print(f"{name} was made from other requirements. Run `make lock` and commit the result.")
    if stale:
        return 1
    print("Each lock was made from what stands beside it.")
    return 0


def _compile(lock: Path, source: str, arguments: list[str]) -> None:
    options = ["--universal", "--python-version", PYTHON_FLOOR, "--generate-hashes", "--no-header", "--quiet"]
    same_versions = ["-c", "requirements.txt"] if lock.name == "requirements-dev.txt" else []
    _run(["uv", "pip", "compile", *options, *same_versions, *arguments, source, "-o", lock.name], lock.parent)


def _run(command: list[str], folder: Path) -> None:
    if subprocess.run(command, cwd=folder, env=clean_environment(), check=False).returncode != 0:
        sys.exit(f"`{command[0]}` failed; its own words are above.")


def _first_line(sources: list[Path]) -> str:
    names = " and ".join(source.name for source in sources)
    total = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    return f"# made by `make lock` from {names}, sha256 {total.hexdigest()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
