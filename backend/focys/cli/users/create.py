"""``focys users create``."""

from typing import Annotated

import typer

from focys.cli.console import success
from focys.cli.operator import run
from focys.cli.users.arguments import Email, PasswordStdin
from focys.cli.users.password import read_password
from focys.infra.web.caller import Caller
from focys.services import Services


def create(
    email: Email,
    name: Annotated[str, typer.Option(metavar="NAME", help="The name shown to the person.")] = "",
    admin: Annotated[bool, typer.Option("--admin", help="Make this an administrator's account.")] = False,
    password_stdin: PasswordStdin = False,
) -> None:
    """Create an account; its owner sets up an authenticator at the first sign-in.

    Example: [bold]focys users create dana@example.com --name "Dana Ray"[/]
    """
    # Checked first, so that nobody types a password for nothing.
    run(lambda services, _operator: services.accounts.check_new(email, name))
    password = read_password(from_stdin=password_stdin)

    async def act(services: Services, operator: Caller) -> None:
        hashed = await services.passwords.choose(password, email)
        await services.accounts.create(email, hashed, operator, name=name, role="admin" if admin else "user")

    run(act)
    success(f"Created {email}. The first sign-in sets up the authenticator.")
