"""The steps that make this folder ready; one whose inputs have not changed is skipped.

| profile | Python packages | page packages | built pages |
|---|---|---|---|
| run | the service's | yes | yes |
| dev | with the developers' | yes | - |
| test | with the developers' | yes | yes |
"""

import argparse
import concurrent.futures
import contextlib
import fcntl
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import checks
from places import BACKEND, DEMO_PAGES, FRONTEND, NODE_MODULES, PAGES, ROOT, SCRIPTS, VENV, VENV_BIN
from progress import SetupError, kill_tools, run, step
from stamps import Stamp, fingerprint

PYTHON = VENV_BIN / "python"
VENV_STAMPS = VENV / ".focys"
PAGES_STAMPS = NODE_MODULES / ".focys"
BUILT_PAGES = [folder / "index.html" for folder in (PAGES, DEMO_PAGES)]

MANIFESTS = [FRONTEND / name for name in ("package.json", "package-lock.json", ".npmrc")]
NOT_SOURCES = {"node_modules", "dist", "dist-demo", "e2e", "coverage", "test-results", "playwright-report"}

# The first line a shell can read wherever the folder is, the second a Python that skips it as a text.
FOCYS_COMMAND = f"""#!/bin/sh
'''exec' "{PYTHON}" "$0" "$@"
' '''
import sys
from focys.cli import main
sys.exit(main())
"""


def main(arguments: list[str]) -> int:
    """Make ready what the profile needs; return the exit code."""
    parser = argparse.ArgumentParser(prog="setup.py")
    parser.add_argument("profile", choices=["run", "dev", "test"])
    parser.add_argument("--port", action="append", default=[], help="a port that must be free")
    asked = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has these symbols
    try:
        for port in asked.port:
            checks.port_is_free(port, can_choose=asked.profile == "run")
        with _alone():
            _both_sides(asked.profile)
    except SetupError as error:
        print(f"\n{error.output}\n\n{error}" if error.output else error, file=sys.stderr)
        return 1
    return 0


def _both_sides(profile: str) -> None:
    """Do the Python side and the pages' side at the same time."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        sides = [
            pool.submit(_python_side, with_dev=profile != "run"),
            pool.submit(_pages_side, with_build=profile != "dev"),
        ]
        try:
            concurrent.futures.wait(sides)
        except KeyboardInterrupt:
            kill_tools()
            os._exit(130)  # before a side starts its next tool
    for side in sides:
        side.result()


def _python_side(*, with_dev: bool) -> None:
    _make_environment()
    _install_python_packages(with_dev=with_dev)
    command = VENV_BIN / "focys"
    stamp = Stamp(VENV_STAMPS / "command", FOCYS_COMMAND, command)
    if not stamp.is_fresh:
        # What an editable install would leave behind, without a build tool that has to be fetched for it.
        for site_packages in VENV.glob("lib/python3*/site-packages"):
            (site_packages / "focys.pth").write_text(f"{BACKEND}\n")
        command.write_text(FOCYS_COMMAND)
        command.chmod(0o755)
        stamp.renew()


def _make_environment() -> None:
    stamp = Stamp(VENV_STAMPS / "environment", str(VENV), PYTHON, VENV_BIN / "pip")
    if stamp.is_fresh:
        return
    checks.python_can_make_environments()
    with _step("Python environment", stamp):
        run(
            [sys.executable, "-m", "venv", "--clear", VENV],
            cwd=ROOT,
            failing="The Python environment in .venv could not be created; the lines above say why.",
        )


def _install_python_packages(*, with_dev: bool) -> None:
    runtime, dev = BACKEND / "requirements.txt", BACKEND / "requirements-dev.txt"
    runtime_stamp = Stamp(VENV_STAMPS / "packages", fingerprint([runtime]))
    dev_stamp = Stamp(VENV_STAMPS / "dev-packages", fingerprint([runtime, dev]))
    stamp = dev_stamp if with_dev else runtime_stamp
    if stamp.is_fresh:
        return
    with _step("Python packages", stamp):
        _install_from(dev if with_dev else runtime)
    runtime_stamp.renew()  # the developers' list holds the service's


def _install_from(lock: Path) -> None:
    options = ["install", "--quiet", "--require-hashes", "-r"]
    pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", *options]
    uv: list[str | Path] = [VENV_BIN / "uv", "pip", *options, lock, "--python", PYTHON, "--compile-bytecode"]
    failing = "The Python packages could not be installed; the lines above say why (no network?)."
    try:
        # uv, its own installation included, takes a third of pip's time.
        if not (VENV_BIN / "uv").exists():
            run([*pip, SCRIPTS / "uv.txt"], cwd=ROOT, failing=failing)
        run(uv, cwd=ROOT, failing=failing)
    except SetupError:
        # uv does not read pip's settings, which on some networks name the only way to the packages.
        run([*pip, lock], cwd=ROOT, failing=failing)


def _pages_side(*, with_build: bool) -> None:
    packages = Stamp(PAGES_STAMPS / "packages", fingerprint(MANIFESTS))
    pages = Stamp(PAGES_STAMPS / "pages", fingerprint([*MANIFESTS, *_page_sources()]), *BUILT_PAGES)
    if packages.is_fresh and (pages.is_fresh or not with_build):
        return
    checks.node_is_new_enough()
    if not packages.is_fresh:
        with _step("Page packages", packages):
            run(
                ["npm", "ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=FRONTEND,
                failing="The page packages could not be installed; the lines above say why (no network?).",
            )
    if with_build and not pages.is_fresh:
        with _step("Pages", pages):
            for build in ("build", "build:demo"):
                run(
                    ["npm", "run", build, "--silent"],
                    cwd=FRONTEND,
                    failing="The pages could not be built; the lines above say why.",
                )


def _page_sources() -> Iterator[Path]:
    for folder, folders, files in os.walk(FRONTEND):
        folders[:] = [name for name in folders if name not in NOT_SOURCES and not name.startswith(".")]
        yield from (Path(folder, name) for name in files if ".test." not in name)


@contextlib.contextmanager
def _step(name: str, stamp: Stamp) -> Iterator[None]:
    stamp.forget()
    with step(name):
        yield
    stamp.renew()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold the folder for one setup at a time: a second one waits and then finds the work done."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another setup is at work in this folder; waiting for it to finish.", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
