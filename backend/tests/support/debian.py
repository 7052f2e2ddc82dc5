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


def program_of_release(release: str, name: str, *packages: str) -> list[str]:
    """Return the command of a program from another release of Debian, with the libraries of that release.

    *packages* are those of the program and of all its libraries, the C library (``libc6``) among them.
    """
    unpacked = _unpacked(*packages, release=release)
    loader = next(unpacked.glob("usr/lib/*/ld-linux-*.so.*"))
    return [str(loader), "--library-path", str(loader.parent), str(next((unpacked / "usr").glob(f"*bin/{name}")))]


def _unpacked(*packages: str, release: str | None = None) -> Path:
    SHELF.mkdir(exist_ok=True)
    with (SHELF / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        name = packages[0] if release is None else f"{packages[0]}-{release}"
        unpacked = SHELF / name
        if not unpacked.is_dir():
            _fetch(packages, SHELF / f"{name}.new", unpacked, release)
    return unpacked


def _fetch(packages: tuple[str, ...], folder: Path, unpacked: Path, release: str | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    # Lists of our own: those of the system may be old, or not there, and are not ours to renew.
    apt = ["apt-get", "-qq", "-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
    if os.geteuid() == 0:
        # Otherwise it would read and write the folder as a user who may not look into it.
        apt += ["-o", "APT::Sandbox::User=root"]
    try:
        if release is not None:
            apt += _from_release(release, folder / "sources.list")
        for command in ([*apt, "update"], [*apt, "download", *packages]):
            subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS, check=True)
        for archive in folder.glob("*.deb"):
            command = ["dpkg-deb", "-x", str(archive), str(folder / "files")]
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError, ValueError) as fault:
        names = ", ".join(packages)
        pytest.fail(f"This test needs of Debian {release or ''}: {names}; they could not be fetched ({fault}).")
    (folder / "files").rename(unpacked)
    shutil.rmtree(folder)


def _from_release(release: str, sources: Path) -> list[str]:
    """Return the options with which apt-get takes packages of *release*, from the mirror of this machine."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    sources.write_text(f"deb {listed.stdout.split()[0]} {release} main\n")
    return ["-o", f"Dir::Etc::SourceList={sources}", "-o", "Dir::Etc::SourceParts=-"]
