"""``focys sessions``: lists an account's sessions; ends everyone's."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from focys.cli.console import check_reason, confirm, out, success
from focys.cli.operator import run
from focys.infra.web.caller import Caller
from focys.services import Services

app = typer.Typer(help="List an account's sessions; end everyone's sessions.", no_args_is_help=True)

_COLORS = {"live": "green", "expired": "dim", "ended": "dim"}


@app.command("list")
def list_sessions(email: Annotated[str, typer.Argument(metavar="EMAIL", help="The account's address.")]) -> None:
    """List the sessions of an account, the newest first.

    Example: [bold]focys sessions list dana@example.com[/]
    """

    async def act(services: Services, _operator: Caller) -> Table:
        user = await services.accounts.get(email)
        table = Table("Address", "Browser", "Signed in", "Last used", "State", box=None, header_style="bold")
        for session in await services.sessions.list_of(user.id):
            color = _COLORS[session.state]
            table.add_row(
                escape(session.address),
                escape(session.agent),
                f"{session.created_at:%Y-%m-%d %H:%M}",
                f"{session.last_used_at:%Y-%m-%d %H:%M}",
                f"[{color}]{session.state}[/]",
            )
        return table

    table = run(act)
    if table.row_count:
        out.print(table)
        out.print("Times are UTC.", style="dim")
    else:
        out.print(f"{email} has no sessions.", markup=False)


@app.command("revoke-all")
def revoke_all(
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the audit.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """End everyone's sessions, logins in progress and known browsers. Passwords and authenticators stay.

    For a key that leaked: everything issued before becomes invalid. After a restore, use: focys backup restored.

    Example: [bold]focys sessions revoke-all --reason "the key was in an email"[/]
    """
    check_reason(reason)
    if not yes:
        confirm("End everyone's sessions, including yours?")
    ended = run(lambda services, operator: services.administration.end_all_sessions(operator, reason))
    sessions = "1 session" if ended == 1 else f"{ended} sessions"
    success(f"Ended {sessions}. Everyone has to sign in again, with password and second step.")
