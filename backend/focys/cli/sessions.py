"""``focys sessions``: lists an account's sessions; ends everyone's."""

from typing import Annotated

import typer

from focys.cli.app import new_app
from focys.cli.console import check_reason, confirm, success
from focys.cli.operator import run
from focys.cli.tables import AsJson, Column, minute, print_list
from focys.cli.users.arguments import Email
from focys.features.sessions import Listed
from focys.infra.web.caller import Caller
from focys.services import Services

app = new_app("List an account's sessions; end everyone's sessions.")

_COLORS = {"live": "green", "expired": "dim", "ended": "dim"}
_COLUMNS = (
    Column[Listed]("Address", lambda session: session.address),
    Column[Listed]("Browser", lambda session: session.agent),
    Column[Listed]("Signed in (UTC)", lambda session: minute(session.created_at)),
    Column[Listed]("Last used (UTC)", lambda session: minute(session.last_used_at)),
    Column[Listed]("State", lambda session: session.state, lambda session: _COLORS[session.state]),
)


@app.command("list")
def list_sessions(email: Email, as_json: AsJson = False) -> None:
    """List the sessions of an account, newest first. In a pipe, tabs separate the columns.

    Example: [bold]focys sessions list dana@example.com[/]
    """

    async def act(services: Services, _operator: Caller) -> list[Listed]:
        user = await services.accounts.get(email)
        return await services.sessions.list_of(user.id)

    print_list(run(act), _COLUMNS, as_json=as_json, nothing=f"{email} has no sessions.")


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
