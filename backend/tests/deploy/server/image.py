"""An empty Debian server as files, and a layer over it with everything that it will ask the network for.

Both are made once with the network and kept in the user's cache, so that the server itself needs none: the first run
takes about two minutes longer.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.shipped import ROOT

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "focys-tests"
INPUTS = [
    *(ROOT / "backend" / name for name in ("requirements.txt",)),
    *(ROOT / "frontend" / name for name in ("node.txt", "package.json", "package-lock.json", ".npmrc")),
]
# What a server has before anybody looks after it, beside Debian's own minimum.
MINIMUM = "dbus,systemd-timesyncd,libpam-systemd"
NETWORK_SECONDS = 900


class ImageError(Exception):
    """The server cannot be made here; the text says what is missing."""


@dataclass(frozen=True)
class Image:
    """The folders a server is made of."""

    base: Path
    supplies: Path


@contextlib.contextmanager
def image_with(packages: list[str], release: str | None = None) -> Iterator[Image]:
    """Yield an image whose supplies hold *packages*, made now or earlier; it stays as it is as long as the block lasts.

    It is of the *release* by that name, as ``trixie``, or of this machine's own.
    """
    if os.geteuid() != 0:
        raise ImageError("This test sets up a whole server, with users and services of its own: run it as root.")
    cache = CACHE / (release or "own")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        base = _folder(cache / "base", [HERE / "image.py"], "")
        supplies = _folder(cache / "supplies", [HERE / "fetch.sh", *INPUTS], f"{base} {packages}")
        if not (base.exists() and supplies.exists()):
            fcntl.flock(lock, fcntl.LOCK_EX)
            _make(base, _make_base, release)
            _make(supplies, _make_supplies, base, packages)
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield Image(base, supplies)


def _folder(kind: Path, files: list[Path], more: str) -> Path:
    key = hashlib.sha256(b"".join(file.read_bytes() for file in files) + more.encode()).hexdigest()[:16]
    return kind.with_name(f"{kind.name}-{key}")


def _make(folder: Path, make, *arguments) -> None:
    if folder.exists():
        return
    kind = folder.name.partition("-")[0]
    for old in folder.parent.glob(f"{kind}-*"):  # also what was not finished
        shutil.rmtree(old)
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    unfinished.mkdir()
    make(unfinished, *arguments)
    unfinished.rename(folder)


def _make_base(folder: Path, wanted: str | None) -> None:
    own = [f"-o=Dir::State::Lists={folder}/apt", f"-o=Dir::Cache={folder}/apt"]
    (folder / "apt" / "partial").mkdir(parents=True)
    _run(["apt-get", *own, "update"], folder)
    _run(["apt-get", *own, "download", "debootstrap"], folder)
    listed = _run(
        ["apt-get", *own, "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    )
    sources = [line.split() for line in dict.fromkeys(listed.splitlines())]
    (package,) = folder.glob("debootstrap_*.deb")
    _run(["dpkg-deb", "-x", str(package), str(folder / "tool")])
    site, this, _ = sources[0]
    release = wanted or this
    script = folder / "tool" / "usr"
    command = [str(script / "sbin" / "debootstrap"), f"--include={MINIMUM}", release, str(folder / "root"), site]
    _run(command, env={**os.environ, "DEBOOTSTRAP_DIR": str(script / "share" / "debootstrap")})
    # Its updates come from the same mirrors under names that begin alike.
    lines = [f"deb {site} {name.replace(this, release)} {component}\n" for site, name, component in sources]
    (folder / "root" / "etc" / "apt" / "sources.list").write_text("".join(lines))


def _make_supplies(folder: Path, base: Path, packages: list[str]) -> None:
    inputs, work = folder / "layer" / "inputs", folder / "work"
    for made in (inputs, work):
        made.mkdir(parents=True)
    for file in INPUTS:
        shutil.copyfile(file, inputs / file.name)
    fetch = ["bash", str(HERE / "fetch.sh"), str(work), str(base / "root"), str(folder / "layer"), " ".join(packages)]
    _run(["unshare", "--mount", "--pid", "--fork", *fetch])


def _run(command: list[str], folder: Path | None = None, env: dict[str, str] | None = None) -> str:
    try:
        ran = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, timeout=NETWORK_SECONDS, check=False
        )
    except FileNotFoundError:
        raise ImageError(f"This test needs the program {command[0]}, as Debian and Ubuntu have it.") from None
    if ran.returncode != 0:
        words = (ran.stdout + ran.stderr)[-3000:]
        raise ImageError(f"`{' '.join(command[:4])} …` failed (is there a network?):\n{words}")
    return ran.stdout
