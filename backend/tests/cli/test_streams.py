"""The program on streams that are closed, full, endless, or not UTF-8: one sentence, the right exit code, no traceback."""

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from focys.cli.streams import sturdy_streams
from tests.support.processes import copy_backend, environment

ADDRESS = "dana@example.com"
LONG = f"{'a-rather-long-name-' * 3}@students.example.com"
FOCYS = f"'{sys.executable}' -m focys"
ENDLESS_MIB = 1024
"""The limit on the address space when the program reads endless input; with other input, it needs about 400 MiB."""


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the backend, with two accounts, the second of which is disabled."""
    copy = copy_backend(tmp_path_factory.mktemp("streams"))
    people = f"printf 'email\\n{ADDRESS}\\n{LONG}\\n' | {FOCYS} users import - --passwords first.csv --yes"
    made = shell(copy, f"{people} && {FOCYS} users disable {LONG}")
    assert made.returncode == 0, made.stderr
    return copy


def on_a_terminal(backend: Path, command: str, **settings: str) -> str:
    """Run a command in bash on a terminal of 80 columns, and return what it prints there."""
    own, its = pty.openpty()
    env = environment(backend, COLUMNS="80", TERM="xterm-256color", **settings)
    ran = subprocess.run(
        ["bash", "-c", command], cwd=backend, env=env, stdout=its, stderr=its, timeout=100, check=False
    )
    os.close(its)
    printed = b""
    # On Linux, reading fails once nobody has the terminal open.
    with suppress(OSError):
        while more := os.read(own, 65536):
            printed += more
    os.close(own)
    assert ran.returncode == 0, printed
    return printed.decode()


def shell(backend: Path, command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in bash, with the copy's settings."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=backend,
        env=environment(backend, **settings),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    ("redirection", "sentence"),
    [
        ("> /dev/full", "The output cannot be written: No space left on device."),
        (">&-", "Standard output is closed."),
    ],
)
def test_an_output_that_takes_nothing_is_reported(backend: Path, redirection: str, sentence: str):
    result = shell(backend, f"{FOCYS} users list {redirection}")

    assert (result.returncode, result.stderr) == (1, f"✗ {sentence}\n")


def test_another_fault_keeps_its_traceback():
    with pytest.raises(OSError, match="a fault of ours"), sturdy_streams():
        raise OSError("a fault of ours")


def test_a_reader_that_has_enough_is_not_reported(backend: Path):
    """Whether it reads a line or nothing."""
    one_line = shell(backend, f"{FOCYS} users list | head -1")
    nothing = shell(backend, f"{FOCYS} users list > >(exec 0<&-; sleep 1)")

    assert one_line.stdout == "Email\tName\tRole\tState\tCreated\n"
    assert (one_line.stderr, nothing.stderr) == ("", "")


def test_a_terminal_gets_colors_unless_no_color_is_set(backend: Path):
    """And lines that fit."""
    red, plain = "\x1b[31m", re.compile(r"\x1b\[[0-9;]*m")

    colored = on_a_terminal(backend, f"{FOCYS} users list")
    colorless = on_a_terminal(backend, f"{FOCYS} users list", NO_COLOR="1")

    assert red in colored
    assert red not in colorless
    assert max(len(line) for line in plain.sub("", colored).splitlines()) <= 80
    assert "students.example.com" in "".join(plain.sub("", colored).split())


def test_without_error_output_a_command_still_works(backend: Path):
    result = shell(backend, f"{FOCYS} users list 2>&-")

    assert result.returncode == 0
    assert ADDRESS in result.stdout


@pytest.mark.parametrize(
    ("redirection", "sentence"),
    [
        ("< /dev/zero", "That password is too long."),
        ("<&-", "There is no password on standard input."),
        ("< /dev/null", "There is no password on standard input."),
    ],
)
def test_a_password_from_endless_closed_or_empty_input_is_refused(backend: Path, redirection: str, sentence: str):
    """And no more of it is read than a password may have."""
    limit = f"ulimit -v {ENDLESS_MIB * 1024}"

    result = shell(backend, f"{limit}; {FOCYS} users create x@example.com --password-stdin {redirection}")

    assert (result.returncode, result.stderr) == (1, f"✗ {sentence}\n")


def test_an_endless_import_is_refused(backend: Path):
    result = shell(backend, f"ulimit -v {ENDLESS_MIB * 1024}; {FOCYS} users import - --dry-run < /dev/zero")

    assert (result.returncode, result.stderr) == (1, "✗ - is larger than 16 MiB; import it in parts.\n")


def test_a_locale_without_utf_8_is_no_error(backend: Path):
    """A character that the locale does not have becomes a question mark."""
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    done = shell(backend, f"{FOCYS} users unlock {ADDRESS}", **plain)
    refused = shell(backend, f"{FOCYS} users unlock nobody@example.com", **plain)
    explained = shell(backend, f"{FOCYS} users --help", **plain)

    assert (done.returncode, done.stdout) == (0, f"? Unlocked {ADDRESS}.\n")
    assert (refused.returncode, refused.stderr) == (1, "? There is no account for nobody@example.com.\n")
    assert (explained.returncode, explained.stderr) == (0, "")


def test_a_file_that_cannot_be_used_is_named(backend: Path, tmp_path: Path):
    """A key or a log that cannot be opened is not a fault of the database."""
    (tmp_path / "secret_key").mkdir()

    key = shell(backend, f"{FOCYS} users list", DATA_DIR=str(tmp_path))
    log = shell(backend, f"{FOCYS} users list", LOG_FILE=str(tmp_path / "secret_key"))

    assert (key.returncode, log.returncode) == (1, 1)
    assert f"{tmp_path / 'secret_key'}" in key.stderr
    assert "Is a directory" in key.stderr
    assert "LOG_FILE: name a regular file" in log.stderr
    for result in (key, log):
        assert "DATABASE_URL" not in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(backend: Path, name: str):
    """With the script that ``focys completion`` prints."""
    script = shell(backend, f"{FOCYS} completion {name}")
    words = {"COMP_WORDS": "focys users sh", "COMP_CWORD": "2", "_TYPER_COMPLETE_ARGS": "focys users sh"}

    answer = shell(backend, FOCYS, **words, _FOCYS_COMPLETE=f"complete_{name}", _TYPER_COMPLETE_FISH_ACTION="get-args")

    assert script.returncode == 0
    assert f"_FOCYS_COMPLETE=complete_{name}" in script.stdout
    assert "show" in answer.stdout
    assert "set-email" not in answer.stdout
