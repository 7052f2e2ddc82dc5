"""Programs that only Debian's packages have: the installed one, or else unpacked from the package, which takes no root."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import PROGRAMS

# Beside the Python packages of the tests, and gone with them at `make clean`.
SHELF = PROGRAMS.parent / "debian"
SECONDS = 90


def debian_program(name: str, *, package: str) -> str:
    """Return the path of a program; a test that cannot have it fails, since a skipped one proves nothing."""
    installed = shutil.which(name)
    return installed or str(next((_unpacked(package) / "usr").glob(f"*bin/{name}")))


def debian_libraries(*packages: str) -> dict[str, str]:
    """Return the environment in which a program from a package finds the libraries of these packages."""
    folders = {
        str(file.parent) for package in packages for file in (_unpacked(package) / "usr" / "lib").rglob("*.so.*")
    }
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(sorted(folders))}


def _unpacked(package: str) -> Path:
    SHELF.mkdir(exist_ok=True)
    with (SHELF / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        unpacked = SHELF / package
        if not unpacked.is_dir():
            _fetch(package, SHELF / f"{package}.new", unpacked)
    return unpacked


def _fetch(package: str, folder: Path, unpacked: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    # Lists of our own: those of the system may be old, or not there, and are not ours to renew.
    apt = ["apt-get", "-qq", "-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
    if os.geteuid() == 0:
        # Otherwise it would read and write the folder as a user who may not look into it.
        apt += ["-o", "APT::Sandbox::User=root"]
    try:
        for command in ([*apt, "update"], [*apt, "download", package]):
            subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS, check=True)
        (archive,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, folder / "files"], capture_output=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError, ValueError) as fault:
        pytest.fail(f"This test needs Debian's package {package}, which could not be fetched ({fault}): install it.")
    (folder / "files").rename(unpacked)
    shutil.rmtree(folder)
