"""The commands."""

import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from focys.cli.app import new_app
from focys.cli.backup.dump import DumpError
from focys.cli.backup.trial import try_backup
from focys.cli.console import check_reason, cli_errors, confirm, fail, out, success
from focys.cli.doctor.report import Report, as_json, show
from focys.cli.operator import run
from focys.cli.tables import AsJson
from focys.infra.ops import logs
from focys.settings import UNUSED_KEY, Settings, SettingsError, load_settings

app = new_app("Check a backup before it is needed, and void what a restore brings back.")


@app.callback()
def backup() -> None:
    """Check a backup before it is needed, and void what a restore brings back."""


@app.command()
def verify(
    dump: Annotated[Path, typer.Argument(metavar="DUMP", help="The backup; - is standard input.")],
    scratch: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="A PostgreSQL server for the trial, or the path of a file that holds its URL."
        ),
    ] = None,
    print_json: AsJson = False,
) -> None:
    """Restore a backup into a scratch database, and check its schema, secrets and age.

    Takes pg_dump output, plain (optionally gzipped) or an archive, and copies of an SQLite file. The scratch database
    is created on the server in DATABASE_URL or --scratch, and always dropped afterward. Secrets are decrypted with
    SECRET_KEY and SECRET_KEY_FALLBACKS. Only use backups from a place that nobody else can write to.

    Example: [bold]gpg --decrypt backup.sql.gz.gpg | focys backup verify - --scratch /etc/focys/scratch_url[/]
    """
    # The scratch database must be dropped before the process ends.
    with suppress(ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
    with cli_errors():
        settings = load_settings()
        logs.configure(log_file=None, quiet=True)
        # An interrupt may hit a task in the background, and asyncio would report that with a traceback.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        try:
            report = Report(try_backup(dump, sys.stdin.buffer, settings, _server(settings, scratch)))
        except DumpError as fault:
            fail(*fault.lines)
    if print_json:
        print(as_json(report))
    else:
        show(report, out)
    if not report.is_healthy:
        raise typer.Exit(1)


@app.command()
def restored(
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the audit.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Void what a restored backup brought back: run it after every restore, before the service starts.

    Ends everyone's sessions, logins in progress and known browsers; no TOTP code used before works again; pending
    email is not sent; all backup codes are void. Everyone is shown new ones at their next sign-in with the app.

    Example: [bold]focys backup restored --reason "disk failure"[/]
    """
    check_reason(reason)
    if not yes:
        confirm("End everyone's sessions, and void everyone's backup codes?")
    voided = run(lambda services, operator: services.administration.void_restored(operator, reason))
    success(
        f"Ended {_number(voided.sessions, 'session')}, removed {_number(voided.backup_codes, 'backup code')} "
        f"and discarded {_number(voided.emails, 'pending email')}."
    )
    success("Everyone has to sign in again, with password and app, and is then shown new backup codes.")


def _server(settings: Settings, scratch: str | None) -> str | None:
    """Return the URL of the server for the trial, or None if there is none."""
    if scratch is None:
        return None if settings.database.startswith("sqlite") else settings.database
    try:
        given = scratch if "://" in scratch else Path(scratch).read_text(encoding="utf-8").strip()
        url = load_settings(database_url=given, secret_key=UNUSED_KEY, secret_key_fallbacks=[]).database
    except (OSError, UnicodeDecodeError) as fault:
        raise DumpError(f"The file that --scratch names cannot be read ({type(fault).__name__}).") from None
    except SettingsError:
        url = "-"
    if not url.startswith("postgresql"):
        raise DumpError("--scratch needs the address of a PostgreSQL server: postgresql://user:password@host/postgres")
    return url


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # asyncio turns Python's own handler into a cancellation, which a closing driver may swallow.
    raise KeyboardInterrupt


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
