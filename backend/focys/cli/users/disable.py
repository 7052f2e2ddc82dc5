"""``focys users disable`` and ``focys users enable``."""

from focys.cli.console import success
from focys.cli.operator import run
from focys.cli.users.arguments import Email, Force


def disable(email: Email, force: Force = False) -> None:
    """Disable an account at once; all its sessions end. Refuses the only administrator.

    Example: [bold]focys users disable dana@example.com[/]
    """
    run(lambda services, operator: services.accounts.set_disabled(email, operator, disabled=True, force=force))
    success(f"Disabled {email}. All its sessions have ended.")


def enable(email: Email) -> None:
    """Let a disabled account sign in again.

    Example: [bold]focys users enable dana@example.com[/]
    """
    run(lambda services, operator: services.accounts.set_disabled(email, operator, disabled=False))
    success(f"Enabled {email}.")
