"""Every command of the documents is run: DEPLOYMENT from an empty server to the first sign-in, then RUNBOOK on it.

Last comes the move to a database on another machine, and the restore on a second empty server, as after the loss of the
first.

The server is a fresh Debian with its own systemd, users, network and disk (`server/`), so the commands run as they stand
in the documents, with the paths, the unit, the site and the programs of a real one. What differs from one:

- it has no network but its own: packages of Debian, Python and npm were fetched before, and pip, npm and apt-get take
  those; `apt-get update` finds its lists as they were then;
- login.example.com, smtp.example.com and git.example.com are answered within: by itself, by a mail server and by a copy
  of this working tree; certificates come from pebble, an ACME server for tests;
- the database on another machine is a second PostgreSQL here, at an address of its own, with TLS and a password only;
- the kernel and its clock are the host's and cannot be set;
- a question for a password is answered as a person would at a terminal.

It needs root, and once the network (two minutes). Anyone who is not root is told that nothing of it was tried. The server
has the release of Debian that this machine has, and another one with `--release trixie`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.deploy.server import plan
from tests.deploy.server.blocks import Block, blocks_of, missing, packages_of
from tests.deploy.server.image import Image, ImageError, image_with
from tests.deploy.server.machine import Machine, running_machine
from tests.deploy.server.outside import outside_of
from tests.deploy.server.plan import BLOCKS, DEPLOYMENT, NAMES, ON_NEW_SERVER, RUNBOOK
from tests.deploy.server.second_database import ADMIN_PASSWORD, start_second_database
from tests.deploy.server.walk import Outcome, Ran, Step, step_of, walk
from tests.deploy.shipped import ROOT
from tests.support.processes import BACKEND, PROGRAMS, copy_backend, environment, run

README = ROOT / "README.md"
# Whom DEPLOYMENT makes accounts for, and RUNBOOK speaks of.
PEOPLE = {"you@example.com": "admin", "dana@example.com": "user"}
PASSWORD = "paper-lantern-orchard-61"
ANSWERS = {"Password:": PASSWORD, "confirmation:": PASSWORD, "Password for user admin:": ADMIN_PASSWORD}
WALK_SECONDS = 1500
# What refuses to be done twice, and says so.
ONCE = {"git clone": "already exists", "focys users create": "already", "pg_dump focys_db |": "already exists"}
# What an organization has besides its server, as RUNBOOK says.
KEPT = ("etc/focys/secret_key", "etc/focys/backup_passphrase", "var/backups/focys")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> dict[str, Outcome]:
    """What came of every step."""
    if os.geteuid() != 0:
        pytest.skip("The documents were NOT tried: that takes a server with users of its own, so run this as root.")
    return _walked(tmp_path_factory.mktemp("outside"), pytestconfig.getoption("--release"))


def _walked(folder: Path, release: str | None) -> dict[str, Outcome]:
    try:
        with image_with(packages_of(BLOCKS), release) as image:
            with _server(image, folder / "first") as machine:
                first = walk(_steps(machine, folder / "first", folder / "kept"))
            with _server(image, folder / "second") as machine:
                second = walk(_steps_on_new_server(machine, folder / "kept"))
            return first | second
    except ImageError as fault:
        cannot = Outcome(passed=False, words=str(fault))
        return walk(Step(name, lambda: cannot) for name in NAMES)


@contextmanager
def _server(image: Image, folder: Path) -> Iterator[Machine]:
    folder.mkdir()
    with running_machine(image) as machine, outside_of(machine, folder):
        yield machine


def _steps(machine: Machine, folder: Path, kept: Path) -> Iterator[Step]:
    def run(commands: str) -> Ran:
        return machine.run(commands, ANSWERS)

    steps = {
        block.name: twice(block, run) if block.document == DEPLOYMENT.name else step_of(block, run) for block in BLOCKS
    }
    more: dict[str, Callable[[], Outcome]] = {
        plan.A_DAY: lambda: _outcome(run("touch --date='25 hours ago' /etc/focys/secret_key")),
        plan.SIGN_IN: lambda: sign_in_first(machine, folder),
        plan.COPIES: lambda: _copied(machine.root, kept),
        plan.OTHER_DATABASE: lambda: _outcome(start_second_database(machine)),
        # At the end of the runbook, everyone has to set up an authenticator again.
        plan.SIGN_IN_THERE: lambda: sign_in_first(machine, folder, {"you@example.com": "admin"}),
    }
    steps |= {name: Step(name, act) for name, act in more.items()}
    return (steps[name] for name in plan.names_of_first_server())


def _steps_on_new_server(machine: Machine, kept: Path) -> Iterator[Step]:
    def run(commands: str) -> Ran:
        return machine.run(commands, ANSWERS)

    key, *others = KEPT
    more: dict[str, Callable[[], Outcome]] = {
        plan.KEY_BACK: lambda: _copied(kept, machine.root, key),
        plan.BACKUP_BACK: lambda: _copied(kept, machine.root, *others),
        plan.FOUND_AGAIN: lambda: _outcome(run("focys users list | grep you@example.com && focys doctor")),
    }
    acts = {block.name: step_of(block, run).act for block in BLOCKS} | more
    return (Step(ON_NEW_SERVER + name, acts[name]) for name in plan.names_of_new_server())


def _outcome(ran: Ran) -> Outcome:
    return Outcome(passed=ran.code == 0, words=ran.output)


def _copied(source: Path, target: Path, *names: str) -> Outcome:
    for name in names or KEPT:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / name, target / name)
    return Outcome(passed=True, words="")


def twice(block: Block, run: Callable[[str], Ran]) -> Step:
    """Return the step that runs a block, and again, as after an interruption: it succeeds, or says that it was done."""

    def act() -> Outcome:
        outcome = step_of(block, run).act()
        if not outcome.passed:
            return outcome
        again = run(block.commands)
        told = next((words for start, words in ONCE.items() if start in block.commands), None)
        if again.code == 0 or (told is not None and told in again.output):
            return outcome
        return Outcome(passed=False, words=f"{block.name}, run twice, ended with {again.code}:\n\n{again.output}")

    return Step(block.name, act)


def sign_in_first(machine: Machine, folder: Path, people: Mapping[str, str] = PEOPLE) -> Outcome:
    words = ""
    for address, role in people.items():
        command = [sys.executable, "-m", "tests.deploy.server.first_sign_in", str(folder), address, role, PASSWORD]
        entered = machine.enter(*command, filesystem=False)
        ran = subprocess.run(entered, cwd=BACKEND, capture_output=True, text=True, check=False)
        words += ran.stdout + ran.stderr
        if ran.returncode != 0:
            return Outcome(passed=False, words=words)
    return Outcome(passed=True, words=words)


@pytest.mark.timeout(WALK_SECONDS)
@pytest.mark.parametrize("name", NAMES)
def test_every_documented_command_works(name: str, outcomes: dict[str, Outcome]):
    outcome = outcomes[name]

    if not outcome.passed:
        pytest.fail(outcome.words, pytrace=False)


def test_every_documented_command_is_run():
    for document in (DEPLOYMENT, RUNBOOK, README, ROOT / "deploy" / "README.md"):
        fences = re.findall(r"^\s*```(\w+)", document.read_text(), flags=re.MULTILINE)
        assert len(blocks_of(document)) == fences.count("bash")
        # Other names for a shell would not be run.
        assert not {"sh", "shell", "zsh"} & set(fences)
    assert len(NAMES) == len(set(NAMES))
    # The first and the last are how these tests came to be run; the others have tests below.
    assert [block.heading for block in blocks_of(README)] == ["Try it", "With PostgreSQL", "The command line", "Tests"]
    assert blocks_of(ROOT / "deploy" / "README.md") == []


def test_a_failing_block_stops_the_walk_and_is_named():
    blocks = [
        Block("A.md", "One", 3, "echo one"),
        Block("A.md", "Two", 9, "echo two; false\n"),
        Block("A.md", "3", 12, "true"),
    ]

    first, second, third = walk(step_of(block, _here) for block in blocks).values()

    assert first.passed
    assert not second.passed
    assert second.words.startswith("A.md:9 Two ended with 1:")
    assert "two\n" in second.words
    assert third == Outcome(passed=False, words="not reached: A.md:9 Two failed")


def test_a_block_whose_output_differs_fails():
    shown = Block("A.md", "One", 3, "printf 'a\\nb 12 c\\nd\\n'", ("a", "b … c"))

    assert step_of(shown, _here).act().passed
    assert missing(("b … c", "a"), "a\nb 12 c\nd\n") == "a"
    assert not step_of(Block("A.md", "One", 3, "echo b", ("a",)), _here).act().passed


def test_a_block_run_twice_succeeds_or_says_that_it_was_done(tmp_path: Path):
    made = Block("A.md", "One", 3, f"mkdir {tmp_path}/one")
    cloned = Block("A.md", "Two", 9, f"mkdir {tmp_path}/two || {{ echo already exists; false; }} # git clone")

    refused = twice(made, _here).act()

    assert not refused.passed
    assert "run twice, ended with 1" in refused.words
    assert twice(cloned, _here).act().passed
    assert twice(Block("A.md", "Three", 12, f"mkdir -p {tmp_path}/three"), _here).act().passed


def test_no_block_changes_the_readers_shell():
    for block in BLOCKS:
        assert re.findall(r"^(?:umask|export|set|exec|alias) .*", block.commands, flags=re.MULTILINE) == [], block.name


def test_the_packages_of_the_blocks_are_found():
    blocks = [Block("A.md", "One", 3, "apt-get install -y \\\n    git \\\n    nginx\napt-get install redis")]

    assert packages_of(blocks) == ["git", "nginx", "redis"]


def _here(commands: str) -> Ran:
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], capture_output=True, text=True, check=False)
    return Ran(ran.returncode, ran.stdout + ran.stderr)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The folder of FOCYS after `make run`, with its command."""
    copy_backend(tmp_path)
    program = tmp_path / ".venv" / "bin" / "focys"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\nexec {PROGRAMS}/python -c 'from focys.cli import main; main()' \"$@\"\n")
    program.chmod(0o755)
    return tmp_path


def test_the_readmes_commands_for_postgresql_work(checkout: Path, cluster: Cluster):
    url = cluster.create_database("readme")
    (block,) = (block for block in blocks_of(README) if block.heading == "With PostgreSQL")
    placeholder = "postgresql://user:password@localhost/focys_db"
    assert block.commands.count(placeholder) == block.commands.count("focys serve") == 1
    commands = block.commands.replace(placeholder, f"'{url}'")
    commands = commands.replace("you@example.com", "you@example.com --password-stdin").replace("serve", "serve --help")

    ran = run(
        commands + "\n.venv/bin/focys users list",
        folder=checkout,
        env=environment(checkout / "backend"),
        typed=f"{PASSWORD}\n",
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "you@example.com" in ran.stdout


def test_the_readmes_commands_work(checkout: Path):
    (commands,) = (block for block in blocks_of(README) if block.heading == "The command line")
    env = environment(checkout / "backend")

    for line in commands.commands.splitlines():
        command = line.partition("#")[0].strip()
        if command.endswith("users create dana@example.com"):
            command += " --password-stdin"
        ran = run(f"{command}", folder=checkout, env=env, typed=f"{PASSWORD}\n")
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
