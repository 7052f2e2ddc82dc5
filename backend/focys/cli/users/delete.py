"""``focys users delete``."""

from focys.cli.console import confirm, success
from focys.cli.operator import run
from focys.cli.users.arguments import Email, Force, Yes


def delete(email: Email, yes: Yes = False, force: Force = False) -> None:
    """Delete an account and everything that belongs to it. Its audit events stay. Refuses the only administrator.

    Example: [bold]focys users delete dana@example.com[/]
    """
    account = run(lambda services, _operator: services.accounts.get(email))
    if not yes:
        confirm(f"Delete {account.email} ({account.display_name}) for good?")
    run(lambda services, operator: services.people.delete(email, operator, force=force))
    success(f"Deleted {account.email}. What happened to it: focys audit list {account.id}")
