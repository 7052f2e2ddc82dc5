"""``focys users import``: previews the accounts in a CSV file, and creates them."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from focys.cli.console import confirm, err, fail, out, success
from focys.cli.operator import run
from focys.cli.users.arguments import Yes
from focys.cli.users.first_passwords import first_passwords
from focys.features.admin import Import, Plan, Problem
from focys.infra.web.caller import Caller
from focys.services import Services

_MAX_BYTES = 16 * 1024 * 1024
_MOST_THREADS = 16
_MOST_PROBLEMS = 50
_CTRL_C = 130


def import_accounts(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="The CSV file; - for standard input.", show_default=False)
    ],
    passwords: Annotated[
        Path | None,
        typer.Option("--passwords", metavar="FILE", help="File for the first passwords; only you can read it."),
    ] = None,
    invite: Annotated[
        bool, typer.Option("--invite", help="Email each person the address of the sign-in page, but no password.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would happen.")] = False,
    yes: Yes = False,
) -> None:
    """Create the accounts in a CSV file with the columns email, name and role; the last two are optional.

    Shows what would happen, and asks. If a row is wrong, nothing is created. Accounts that exist stay as they are, so
    the command can be repeated. Each new account gets a random first password, written to the file of --passwords for
    you to pass on.

    Example: [bold]focys users import people.csv --passwords first-passwords.csv --invite[/]
    """
    text = _read(source)
    plan = run(lambda services, _operator: services.importer.plan(text))
    _show(plan)
    if plan.problems:
        fail("Nothing was created. Fix these rows, and import the file again.")
    if dry_run or not plan.new:
        return
    if passwords is None:
        fail("Say where to write the first passwords: --passwords first-passwords.csv")
    if not yes:
        confirm(f"Create {_number(len(plan.new), 'account')}?")
    try:
        skipped = _create(plan, passwords, invite=invite)
    except KeyboardInterrupt:
        _interrupted(text, plan, passwords)
    success(f"Created {_number(len(plan.new) - len(skipped), 'account')}. Their first passwords are in {passwords}.")
    for address in skipped:
        err.print(
            f"  {address} was created by someone else meanwhile: its password in {passwords} is wrong.", markup=False
        )
    out.print("  Pass each one on in person or by phone, then delete the file.")


def _create(plan: Plan, passwords: Path, *, invite: bool) -> list[str]:
    """Create the accounts, on all cores, and return the addresses that someone else created meanwhile."""
    first = first_passwords(passwords, [row.email for row in plan.new])

    async def act(services: Services, operator: Caller) -> list[str]:
        columns = (TextColumn("Accounts"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
            task = bar.add_task("", total=len(plan.new))
            url = services.settings.public_url if invite else None
            return await services.importer.create(plan.new, Import(first, url, lambda: bar.advance(task)), operator)

    return run(act, password_hash_threads=min(os.cpu_count() or 1, _MOST_THREADS))


def _interrupted(text: str, before: Plan, passwords: Path) -> NoReturn:
    """Say what exists now, where the passwords are, and how to go on; the exit code is that of Ctrl-C."""
    missing = len(run(lambda services, _operator: services.importer.plan(text)).new)
    created = len(before.new) - missing
    err.print(f"\nInterrupted: created {_number(created, 'account')}, {missing:,} not created.")
    for line in (
        f"The first passwords, also of those not created yet, are in {passwords}.",
        "To go on, run the same command again: it keeps these accounts and passwords, and creates the others.",
    ):
        err.print(f"  {line}", markup=False)
    raise typer.Exit(_CTRL_C)


def _read(source: Path) -> str:
    """Return the text of the file, reading no more than may be imported."""
    try:
        with sys.stdin.buffer if str(source) == "-" else source.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as fault:
        fail(f"{source} cannot be read: {fault.strerror}.")
    if len(content) > _MAX_BYTES:
        fail(f"{source} is larger than {_MAX_BYTES // 1024**2} MiB; import it in parts.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        fail(f"{source} is not UTF-8 text (line {line}); save it as CSV UTF-8.")


def _show(plan: Plan) -> None:
    existing = len(plan.existing)
    stay = "already exists and stays as it is" if existing == 1 else "already exist and stay as they are"
    out.print(f"{_number(len(plan.new), 'new account')}, {existing:,} {stay}.")
    for problem in plan.problems[:_MOST_PROBLEMS]:
        err.print(f"  {_place(problem)}: {problem.message}", markup=False)
    if len(plan.problems) > _MOST_PROBLEMS:
        err.print(f"  … and {len(plan.problems) - _MOST_PROBLEMS} more.")


def _place(problem: Problem) -> str:
    return f"row {problem.row}, column {problem.column}" if problem.column else f"row {problem.row}"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
