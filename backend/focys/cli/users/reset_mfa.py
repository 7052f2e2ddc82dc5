"""``focys users reset-mfa``."""

from typing import Annotated

import typer

from focys.cli.console import out, success
from focys.cli.operator import run
from focys.cli.users.arguments import Email


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
        out.print("  If MFA_POLICY is optional, the password alone is enough to sign in.")
        return
    out.print(f"  Ticket, asked for at that sign-in: [bold]{ticket.text}[/]")
    out.print(f"  It expires at {ticket.expires_at:%Y-%m-%d %H:%M} UTC. Be sure who is asking, then")
    out.print("  pass it on in person or by phone, never by email: the mailbox may not be the owner's alone.")
