"""``focys users rename``."""

from typing import Annotated

import typer

from focys.cli.console import success
from focys.cli.operator import run
from focys.cli.users.arguments import Email


def rename(
    email: Email,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.", show_default=False)],
) -> None:
    """Change the name that is shown to the person; nothing else changes.

    Example: [bold]focys users rename dana@example.com "Dana Ray"[/]
    """
    run(lambda services, operator: services.accounts.rename(email, name, operator))
    success(f"Renamed {email} to {name}.")
