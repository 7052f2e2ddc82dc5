"""``focys audit prune``."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from focys.cli.console import confirm, fail, success
from focys.cli.operator import run
from focys.cli.users.arguments import Yes

MIN_DAYS = 30


def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="DAYS", help="Delete events older than this; at least 30d.")
    ],
    yes: Yes = False,
) -> None:
    """Delete old audit events; the deletion is itself an audit event.

    The service's own database role cannot do this. Run it as root, with the role that owns the tables:

    Example: [bold]DATABASE_URL_FILE=/etc/focys/owner_database_url focys audit prune --older-than 365d[/]
    """
    found = re.fullmatch(r"([0-9]{1,5})d", older_than)
    if found is None or int(found[1]) < MIN_DAYS:
        fail(f"Give the age in days, at least {MIN_DAYS}: --older-than 365d")
    if not yes:
        confirm(f"Delete all events older than {found[1]} days?")
    keep = timedelta(days=int(found[1]))
    count = run(lambda services, operator: services.administration.prune_audit(keep, operator))
    success(f"Deleted {count} event{'' if count == 1 else 's'} older than {found[1]} days.")
