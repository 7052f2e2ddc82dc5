"""The program on streams that are closed, full, endless, or not UTF-8: one sentence, the right exit code, no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import copy_backend, environment
from tests.support.service import PASSWORD

ADDRESS = "dana@example.com"
FOCYS = f"'{sys.executable}' -m focys"
ENDLESS_MIB = 1024
"""The limit on the address space in which the program meets endless input; it needs about 400 MiB without it."""


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the backend, with one account."""
    copy = copy_backend(tmp_path_factory.mktemp("streams"))
    made = shell(copy, f"echo {PASSWORD} | {FOCYS} users create {ADDRESS} --password-stdin")
    assert made.returncode == 0, made.stderr
    return copy


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


def test_a_reader_that_has_enough_is_not_reported(backend: Path):
    """Neither one that reads a line, nor one that reads nothing."""
    one_line = shell(backend, f"{FOCYS} users list | head -1")
    nothing = shell(backend, f"{FOCYS} users list > >(exec 0<&-; sleep 1)")

    assert one_line.stdout == "Email\tName\tRole\tState\tCreated\n"
    assert (one_line.stderr, nothing.stderr) == ("", "")


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
    """A sign that the locale does not have becomes a question mark."""
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
    for result in (key, log):
        assert f"{tmp_path / 'secret_key'}" in result.stderr
        assert "Is a directory" in result.stderr
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
