"""``focys users``: creates, lists and manages accounts."""

import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from focys.cli.console import fail, out, success
from focys.cli.operator import run
from focys.infra.web.caller import Caller
from focys.services import Services

app = typer.Typer(help="Create, list, unlock, reset, disable and enable accounts.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The account's address.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@app.command()
def create(
    email: Email,
    name: Annotated[str, typer.Option(help="The name shown to the person.")] = "",
    admin: Annotated[bool, typer.Option("--admin", help="Make it an administrator.")] = False,
    password_stdin: PasswordStdin = False,
) -> None:
    """Create an account; its owner sets up an authenticator at the first sign-in.

    Example: [bold]focys users create dana@example.com --name "Dana Ray"[/]
    """
    password = _password(from_stdin=password_stdin)

    async def act(services: Services, operator: Caller) -> None:
        hashed = await services.passwords.choose(password, email)
        await services.accounts.create(email, hashed, operator, name=name, role="admin" if admin else "user")

    run(act)
    success(f"Created {email}. The first sign-in sets up the authenticator.")


@app.command("list")
def list_accounts() -> None:
    """List all accounts.

    Example: [bold]focys users list[/]
    """

    async def act(services: Services, _operator: Caller) -> Table:
        table = Table("Email", "Name", "Role", "Second step", "State", "Created", box=None, header_style="bold")
        for user in await services.accounts.list_all():
            factor = "[green]on[/]" if user.mfa_enabled else "not set up"
            state = "[red]disabled[/]" if user.disabled_at else "active"
            table.add_row(
                escape(user.email), escape(user.display_name), user.role, factor, state, f"{user.created_at:%Y-%m-%d}"
            )
        return table

    table = run(act)
    if table.row_count:
        out.print(table)
    else:
        out.print("There are no accounts yet. Create one: focys users create dana@example.com")


@app.command()
def unlock(email: Email) -> None:
    """Unlock an account: clear its wrong codes and wrong passwords.

    Example: [bold]focys users unlock dana@example.com[/]
    """
    run(lambda services, operator: services.administration.unlock(email, operator))
    success(f"Unlocked {email}.")


@app.command("reset-mfa")
def reset_mfa(
    email: Email,
    no_ticket: Annotated[
        bool,
        typer.Option("--no-ticket", help="Let anyone with the password and the mailbox set up the new authenticator."),
    ] = False,
) -> None:
    """Remove the authenticator, backup codes, known browsers and sessions of an account, and notify its owner.

    Prints a ticket, valid for 24 hours, without which nobody can set up the new authenticator.

    Example: [bold]focys users reset-mfa dana@example.com[/]
    """
    ticket = run(
        lambda services, operator: services.administration.reset_mfa(email, operator, with_ticket=not no_ticket)
    )
    success(f"Reset the second step of {email}. The next sign-in sets up a new authenticator.")
    if ticket is None:
        out.print("  Without a ticket, anyone who has the password and the mailbox can do that.")
        out.print("  Where MFA_POLICY is optional, the password alone signs in.")
        return
    out.print(f"  Ticket, asked for at that sign-in: [bold]{ticket.text}[/]")
    out.print(f"  It expires at {ticket.expires_at:%Y-%m-%d %H:%M} UTC. Make sure who is asking, and then")
    out.print("  pass it on in person or by phone, never by email: the mailbox may not be the owner's alone.")


@app.command("set-password")
def set_password(email: Email, password_stdin: PasswordStdin = False) -> None:
    """Give an account a new password; all its sessions end.

    Example: [bold]focys users set-password dana@example.com[/]
    """
    password = _password(from_stdin=password_stdin)
    run(lambda services, operator: services.administration.set_password(email, password, operator))
    success(f"Set the password of {email}. All its sessions have ended.")


@app.command()
def disable(email: Email) -> None:
    """Disable an account at once; all its sessions end.

    Example: [bold]focys users disable dana@example.com[/]
    """
    run(lambda services, operator: services.accounts.set_disabled(email, operator, disabled=True))
    success(f"Disabled {email}. All its sessions have ended.")


@app.command()
def enable(email: Email) -> None:
    """Let a disabled account sign in again.

    Example: [bold]focys users enable dana@example.com[/]
    """
    run(lambda services, operator: services.accounts.set_disabled(email, operator, disabled=False))
    success(f"Enabled {email}.")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        try:
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError:
            fail("The password is not valid UTF-8.")
    if not sys.stdin.isatty():
        fail("Not a terminal: pipe the password in with --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
