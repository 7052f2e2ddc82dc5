"""``focys users unlock``."""

from focys.cli.console import success
from focys.cli.operator import run
from focys.cli.users.arguments import Email


def unlock(email: Email) -> None:
    """Unlock an account: clear its wrong codes and wrong passwords.

    Example: [bold]focys users unlock dana@example.com[/]
    """
    run(lambda services, operator: services.administration.unlock(email, operator))
    success(f"Unlocked {email}.")
