"""The commands themselves."""

import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from focys.cli.backup.dump import DumpError
from focys.cli.backup.trial import try_backup
from focys.cli.console import be_sure, check_reason, done, fail, out, sentences
from focys.cli.doctor.examination import Report
from focys.cli.doctor.report import show
from focys.cli.operator import run
from focys.infra.ops import logs
from focys.settings import Settings, SettingsError, load_settings

app = typer.Typer(help="Try a backup before it is needed, and close what it brings back.", no_args_is_help=True)


@app.callback()
def backup() -> None:
    """Try a backup before it is needed, and close what it brings back."""


@app.command()
def verify(
    dump: Annotated[Path, typer.Argument(metavar="DUMP", help="The backup; - is standard input.")],
    scratch: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="A PostgreSQL server for the trial, or the path of a file that holds its URL."
        ),
    ] = None,
) -> None:
    """Restore a backup into a scratch database and see whether it could be served, opened, and by whom.

    Takes what pg_dump writes, plain (also in gzip) or as an archive, and copies of an SQLite file. The scratch
    database is made beside the one that DATABASE_URL names, or on the server of --scratch, and always dropped again.
    The keys at hand are SECRET_KEY and SECRET_KEY_FALLBACKS. Only take backups from where nobody else could write.

    Example: [bold]gpg --decrypt backup.sql.gz.gpg | focys backup verify - --scratch /etc/focys/scratch_url[/]
    """
    # Whoever asks it to end, the scratch database goes first.
    with suppress(ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
    with sentences():
        settings = load_settings()
        logs.configure(log_file=None, quiet=True)
        try:
            report = Report(try_backup(dump, sys.stdin.buffer, settings, _server(settings, scratch)))
        except DumpError as fault:
            fail(*fault.lines)
    show(report, out)
    if not report.is_healthy:
        raise typer.Exit(1)


@app.command()
def restored(
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the audit.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Void what a restored backup brought back: run it after every restore, before the service starts.

    Ends everybody's sessions, logins under way and known browsers; no TOTP code used before works again; letters that
    wait are not sent; and the backup codes are gone. Whoever signs in with the app next is shown new ones.

    Example: [bold]focys backup restored --reason "the disk of Monday"[/]
    """
    check_reason(reason)
    if not yes:
        be_sure("End the sessions of everybody, and void everybody's backup codes?")
    voided = run(lambda services, operator: services.administration.void_restored(operator, reason))
    done(
        f"Ended {_number(voided.sessions, 'session')}, removed {_number(voided.backup_codes, 'backup code')} "
        f"and kept back {_number(voided.letters, 'letter')}."
    )
    done("Everybody signs in anew, with password and app, and is then shown new backup codes.")


def _server(settings: Settings, scratch: str | None) -> str | None:
    """Return the URL of the server for the trial, or None if there is none."""
    if scratch is None:
        return None if settings.database.startswith("sqlite") else settings.database
    try:
        given = scratch if "://" in scratch else Path(scratch).read_text(encoding="utf-8").strip()
        url = load_settings(database_url=given, secret_key="-" * 32, secret_key_fallbacks=[]).database
    except (OSError, UnicodeDecodeError) as fault:
        raise DumpError(f"The file that --scratch names cannot be read ({type(fault).__name__}).") from None
    except SettingsError:
        url = "-"
    if not url.startswith("postgresql"):
        raise DumpError("--scratch wants the address of a PostgreSQL server: postgresql://user:password@host/postgres")
    return url


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # asyncio makes a cancellation of Python's own handler, and a driver that is closing may swallow that.
    raise KeyboardInterrupt


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
