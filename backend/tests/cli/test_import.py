"""``focys users import``: many accounts at once, each with a first password to pass on."""

import asyncio
import csv
import re
import signal
import stat
from asyncio import to_thread
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import Result

from focys.cli.users.first_passwords import first_passwords
from focys.features.accounts import AccountError, Accounts, NewAccount, users
from focys.features.admin.csv_rows import read_rows
from focys.features.audit import audit_events
from focys.features.outbox import outbox
from focys.features.passwords import new_password
from tests.cli.conftest import Focys
from tests.support.rows import rows_of
from tests.support.service import ADDRESS, World

Import = Callable[..., Result]


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Where the first passwords go."""
    return tmp_path / "first.csv"


@pytest.fixture
def importing(focys: Focys, tmp_path: Path, first: Path) -> Import:
    """Import this text from a file."""

    def run(text: str | bytes, *options: str) -> Result:
        source = tmp_path / "people.csv"
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        return focys("users", "import", str(source), "--passwords", str(first), *options)

    return run


def passwords_in(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(newline="") as file:
        return {row["email"]: row["password"] for row in csv.DictReader(file)}


async def test_each_person_can_sign_in_with_the_first_password(world: World, importing: Import, first: Path):
    text = "email;name;role\nDana@Example.com;Dana Ray;admin\nren@example.com;Sato, Ren;\n"

    result = await to_thread(importing, b"\xef\xbb\xbf" + text.encode(), "--yes")

    assert result.exit_code == 0, result.output
    assert "Created 2 accounts." in result.stdout
    people = {row.email: (row.display_name, row.role) for row in await rows_of(world, users)}
    assert people == {"dana@example.com": ("Dana Ray", "admin"), "ren@example.com": ("Sato, Ren", "user")}
    given = passwords_in(first)
    assert [password for password in given.values() if password in result.output] == []
    for email, password in given.items():
        response = await world.a_browser().post("/auth/login", {"email": email, "password": password})
        assert response.json()["step"] == "email_code"
    assert [event.event for event in await rows_of(world, audit_events)].count("account created") == 2


async def test_a_repeated_import_changes_nothing(world: World, importing: Import, first: Path):
    await world.an_account()
    text = f"email\nren@example.com\n{ADDRESS}\n"
    await to_thread(importing, text, "--yes")
    before, given = await rows_of(world, users), passwords_in(first)

    again = await to_thread(importing, text, "--yes")

    assert again.exit_code == 0
    assert "0 new accounts, 2 already exist and stay as they are." in again.stdout
    assert await rows_of(world, users) == before
    assert passwords_in(first) == given


async def test_an_interrupted_import_continues_with_the_same_passwords(
    world: World, importing: Import, first: Path, monkeypatch: pytest.MonkeyPatch
):
    async def out_of_order(*_arguments: object) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("focys.features.accounts.Accounts.create_new", out_of_order)
        broken = await to_thread(importing, "email\nren@example.com\n", "--yes")
    promised = passwords_in(first)
    done = await to_thread(importing, "email\nren@example.com\nkim@example.com\n", "--yes")

    assert (broken.exit_code, done.exit_code) == (1, 0), done.output
    assert [*promised] == ["ren@example.com"]
    assert passwords_in(first).items() >= promised.items()
    assert [*passwords_in(first)] == ["ren@example.com", "kim@example.com"]


def test_an_interrupted_import_says_what_exists_and_how_to_go_on(
    importing: Import, first: Path, monkeypatch: pytest.MonkeyPatch
):
    text = "".join(["email\n", *(f"person{number}@example.com\n" for number in range(40))])
    created: list[str] = []
    create = Accounts.create_new

    async def create_three(self: Accounts, new: NewAccount, *more: Any) -> Any:
        if len(created) == 3:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(10)
        created.append(new.email)
        return await create(self, new, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Accounts, "create_new", create_three)
        stopped = importing(text, "--yes")
    promised = passwords_in(first)
    resumed = importing(text, "--yes")

    assert stopped.exit_code == 130, stopped.output
    # Several are created side by side, so the interruption may come before the last of the three is.
    told = re.search(r"Interrupted: created (\d) accounts?, (\d+) not created\.", stopped.stderr)
    assert told is not None, stopped.stderr
    existing, missing = int(told[1]), int(told[2])
    assert (existing + missing, existing <= 3) == (40, True)
    assert f"are in {first}." in stopped.stderr
    assert "run the same command again" in stopped.stderr
    assert len(promised) == 40
    assert re.search(
        rf"{missing} new accounts, {existing} already exists? and stays? as (it is|they are)\.", resumed.stdout
    )
    assert passwords_in(first) == promised


@pytest.mark.parametrize(
    "text",
    ["sep=;\r\nemail;name\r\nren@example.com;Sato, Ren\r\n", '"sep=,"\nemail,name\nren@example.com,"Sato, Ren"\n'],
    ids=["semicolon", "comma in quotes"],
)
def test_the_separator_line_of_a_spreadsheet_is_understood(text: str):
    rows, problems = read_rows(text)

    assert [(row.number, row.email, row.name) for row in rows] == [(2, "ren@example.com", "Sato, Ren")]
    assert problems == []


def test_no_cell_of_the_password_file_is_a_formula(importing: Import, first: Path):
    addresses = ["=1+1@example.com", "+ren@example.com", "-ren@example.com", "'kim@example.com", "dana@example.com"]
    text = "\n".join(["email", *addresses, ""])

    result = importing(text, "--yes")
    again = importing(f"{text}lou@example.com\n", "--yes")

    with first.open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert (result.exit_code, again.exit_code) == (0, 0), again.output
    assert "1 new account, 5 already exist" in again.stdout
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert [*first_passwords(first, [])] == [*addresses, "lou@example.com"]


async def test_wrong_rows_are_named_by_row_and_column_and_nothing_is_created(
    world: World, importing: Import, first: Path
):
    rows = ["fine@example.com,,", "nonsense,,", f"a@example.com,{'x' * 101},", "b@example.com,,boss", "c@example.com"]
    rows += ["d@example.com,\u200b\u3164,", "e@example.com,Dana\u2028Ray,"]

    result = await to_thread(importing, "\n".join(["email,name,role", *rows, "Fine@Example.com,,"]), "--yes")

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "  row 3, column email: This is not an email address.",
        "  row 4, column name: A name has at most 100 characters, all of them printable.",
        "  row 5, column role: A role is user or admin.",
        "  row 6: There are 3 columns, but this row has 1.",
        "  row 7, column name: A name is a single line with at least one visible character.",
        "  row 8, column name: A name is a single line with at least one visible character.",
        "  row 9, column email: The same address as in row 2.",
        "✗ Nothing was created. Fix these rows, and import the file again.",
    ]
    assert await rows_of(world, users) == []
    assert passwords_in(first) == {}


async def test_the_import_asks_first_and_a_dry_run_only_shows(
    world: World, importing: Import, first: Path, monkeypatch: pytest.MonkeyPatch
):
    shown = await to_thread(importing, "email\nren@example.com\n", "--dry-run")
    unasked = await to_thread(importing, "email\nren@example.com\n")
    monkeypatch.setattr("focys.cli.console.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))

    assert (shown.exit_code, shown.stdout) == (0, "1 new account, 0 already exist and stay as they are.\n")
    assert (unasked.exit_code, unasked.stderr) == (1, "✗ Not a terminal: confirm with --yes.\n")
    assert await rows_of(world, users) == []
    assert passwords_in(first) == {}


async def test_an_invitation_has_the_address_of_the_page_and_no_password(world: World, importing: Import, first: Path):
    await to_thread(importing, "email\nren@example.com\n", "--yes", "--invite")

    (mail,) = await rows_of(world, outbox)
    assert (mail.kind, mail.about) == ("account_created", {"url": "http://localhost:8000"})
    assert passwords_in(first)["ren@example.com"] not in str(mail)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "row 1: The first row names the columns"),
        (b"mail,name\nx@example.com,x\n", "row 1: The first row names the columns"),
        (b"email,phone\nx@example.com,1\n", "row 1: The first row names the columns"),
        (b'email\n"x@example.com\n', "row 2: This is not CSV"),
        (b"email\nm\xfcller@example.com\n", "is not UTF-8 text (line 2)"),
        (b"email\nx\x00@example.com\n", "row 2"),
        (b"email\n" + b"x" * (16 * 1024 * 1024), "is larger than 16 MiB"),
    ],
    ids=["empty", "no email", "unknown column", "open quote", "latin 1", "nul", "large"],
)
def test_a_file_that_is_not_a_list_of_people_is_refused(importing: Import, content: bytes, sentence: str):
    result = importing(content, "--yes")

    assert result.exit_code == 1
    assert sentence in result.stderr


def test_the_people_can_come_from_standard_input(focys: Focys, first: Path):
    result = focys("users", "import", "-", "--passwords", str(first), "--yes", typed="email\nren@example.com\n")

    assert result.exit_code == 0, result.output
    assert [*passwords_in(first)] == ["ren@example.com"]


def test_first_passwords_go_only_to_a_private_file(importing: Import, first: Path):
    first.write_text("email,password\n")
    first.chmod(0o644)
    readable = importing("email\nren@example.com\n", "--yes")
    first.chmod(0o600)
    first.write_text("something else\n")
    another = importing("email\nren@example.com\n", "--yes")

    nowhere = importing("email\nren@example.com\n", "--yes", "--passwords", "/dev/full")

    assert (readable.exit_code, another.exit_code, nowhere.exit_code) == (1, 1, 1)
    assert "must be a file that only its owner can read" in readable.stderr
    assert "is not a file of first passwords" in another.stderr


def test_a_file_cut_short_by_a_full_disk_is_completed(importing: Import, first: Path):
    first.write_text("email,password\nkim@example.com,m87q-7f3a-93qb-x2cd\nren@example.com,m87q-7f")
    first.chmod(0o600)

    result = importing("email\nren@example.com\n", "--yes")

    assert result.exit_code == 0, result.output
    lines = first.read_text().splitlines()
    assert lines[1] == "kim@example.com,m87q-7f3a-93qb-x2cd"
    assert [line.partition(",")[0] for line in lines] == ["email", "kim@example.com", "ren@example.com"]
    assert len(passwords_in(first)["ren@example.com"]) > len("m87q-7f")


def test_an_account_that_someone_else_creates_meanwhile_is_named(importing: Import, monkeypatch: pytest.MonkeyPatch):
    async def too_late(*_arguments: object) -> None:
        raise AccountError("There is already an account with this address.")

    monkeypatch.setattr("focys.features.accounts.Accounts.create_new", too_late)
    result = importing("email\nren@example.com\n", "--yes")

    assert "Created 0 accounts." in result.stdout
    assert "ren@example.com was created by someone else meanwhile" in result.stderr


def test_standard_input_cannot_also_confirm(focys: Focys, first: Path):
    result = focys("users", "import", "-", "--passwords", str(first), typed="email\nren@example.com\n")

    assert result.exit_code == 1
    assert "Not a terminal: confirm with --yes." in result.stderr


async def test_every_first_password_satisfies_the_policy(world: World):
    """PWD-01: also where no second factor is enforced."""
    chosen = {new_password() for _ in range(20)}

    assert len(chosen) == 20
    assert all(len(password) >= 15 for password in chosen)
    for password in chosen:
        assert await world.services.passwords.choose(password, ADDRESS)


def test_rows_have_the_numbers_that_a_spreadsheet_shows():
    rows, problems = read_rows('email,name\na@example.com,"Two\nlines"\n\nb@example.com,B\nnonsense,C\n')

    assert [(row.number, row.email) for row in rows] == [(4, "b@example.com")]
    assert [(problem.row, problem.column) for problem in problems] == [(2, "name"), (5, "email")]
