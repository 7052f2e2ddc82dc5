"""The commands themselves."""

from typing import Annotated

import typer

from focys.cli.console import be_sure, check_reason, done
from focys.cli.operator import run

app = typer.Typer(help="Try a backup before it is needed, and close what it brings back.", no_args_is_help=True)


@app.callback()
def backup() -> None:
    """Try a backup before it is needed, and close what it brings back."""


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


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
