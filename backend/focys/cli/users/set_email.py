"""``focys users set-email``."""

from typing import Annotated

import typer

from focys.cli.console import success
from focys.cli.operator import run
from focys.cli.users.arguments import Email


def set_email(
    email: Email,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new address.", show_default=False)],
) -> None:
    """Give an account another address: its sessions end, and both addresses get an email.

    Password, authenticator and backup codes stay.

    Example: [bold]focys users set-email dana@example.com dana.ray@example.com[/]
    """
    run(lambda services, operator: services.people.set_email(email, new, operator))
    success(f"Changed {email} to {new}. All its sessions have ended; both addresses get an email.")
