"""Terminal output: results to standard output, everything else to standard error, errors as one sentence."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from alembic.util.exc import CommandError
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from focys.domain.bypass import BypassError
from focys.domain.plain_text import is_readable, printable
from focys.features.accounts import AccountError, InvalidAddressError, OnlyAdministratorError
from focys.features.admin import ConflictError
from focys.features.passwords import WeakPasswordError
from focys.features.throttling import NetworkError
from focys.infra.db.postgres import is_forbidden
from focys.infra.db.schema import right_needed
from focys.settings import SettingsError

MAX_REASON_LENGTH = 200

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def cli_errors() -> Iterator[None]:
    """Turn errors that an operator can fix into a message and exit code 1; others keep their traceback."""
    try:
        yield
    except SettingsError as fault:
        fail("The configuration is not valid:", *fault.problems)
    except OnlyAdministratorError as fault:
        fail(str(fault), "Create another administrator first, or add --force.")
    except (AccountError, InvalidAddressError, WeakPasswordError, ConflictError, BypassError, NetworkError) as fault:
        fail(str(fault))
    except CommandError as fault:
        fail(
            f"The database cannot be migrated: {fault}.",
            "If a newer version of FOCYS migrated it, use that version. See: focys doctor",
        )
    except UnicodeDecodeError:
        fail("The file .env is not UTF-8 text.")
    except (SQLAlchemyError, OSError) as fault:
        _fail_for(fault)


def _fail_for(fault: SQLAlchemyError | OSError) -> NoReturn:
    if is_forbidden(fault):
        fail(*right_needed(fault))
    if isinstance(fault, IntegrityError):
        fail("Someone else changed this account at the same time; nothing was changed. Try again.")
    if isinstance(fault, OSError) and fault.filename is not None:
        fail(f"{fault.filename} cannot be used: {fault.strerror}.")
    fail(
        f"The database cannot be used ({type(fault).__name__}).",
        "Check DATABASE_URL, and migrate the schema: focys migrate",
    )


def fail(sentence: str, *more: str) -> NoReturn:
    """Print an error and exit with code 1."""
    err.print(Text.assemble(("✗", "bold red"), f" {printable(sentence)}"))
    for line in more:
        err.print(f"  {printable(line)}", markup=False)
    raise typer.Exit(1)


def success(sentence: str) -> None:
    """Print that a command succeeded."""
    out.print(Text.assemble(("✓", "bold green"), f" {printable(sentence)}"))


def check_reason(reason: str | None) -> None:
    """Refuse a reason that is not one plain line."""
    if reason and (len(reason) > MAX_REASON_LENGTH or not is_readable(reason)):
        fail(f"A reason has at most {MAX_REASON_LENGTH} characters, all of them printable.")


def _can_answer() -> bool:
    try:
        return sys.stdin.isatty()
    except ValueError:  # it was read to its end and closed
        return False


def confirm(question: str) -> None:
    """Ask before something that cannot be undone, and exit on a no."""
    if not _can_answer():
        fail("Not a terminal: confirm with --yes.")
    if not typer.confirm(question):
        fail("Nothing was changed.")
