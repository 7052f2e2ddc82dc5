"""``focys users reset-mfa``."""

from focys.cli.console import success
from focys.cli.operator import run
from focys.cli.users.arguments import Email


def reset_mfa(email: Email) -> None:
    """Remove the authenticator, backup codes, known browsers and sessions of an account, and notify its owner.

    Example: [bold]focys users reset-mfa dana@example.com[/]
    """
    run(lambda services, operator: services.administration.reset_mfa(email, operator))
    success(f"Reset the second step of {email}. The next sign-in sets up a new authenticator.")
