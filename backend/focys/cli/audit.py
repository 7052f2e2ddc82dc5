"""``focys audit``: how long facts are kept."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from focys.cli.console import be_sure, done, fail
from focys.cli.operator import run

FEWEST_DAYS = 30

app = typer.Typer(help="Say how long the audit is kept.", no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Say how long the audit is kept."""


@app.command()
def prune(
    older_than: Annotated[str, typer.Option("--older-than", metavar="DAYS", help="What is older goes: 30d or more.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget the events of the audit that are older; that it was done is an event, too.

    The service's own database role may not do this. Run it as root, as the owner of the tables:

    Example: [bold]DATABASE_URL_FILE=/etc/focys/owner_database_url focys audit prune --older-than 365d[/]
    """
    found = re.fullmatch(r"([0-9]{1,5})d", older_than)
    if found is None or int(found[1]) < FEWEST_DAYS:
        fail(f"Say how many days are kept, {FEWEST_DAYS} at least: --older-than 365d")
    if not yes:
        be_sure(f"Forget every event older than {found[1]} days?")
    keep = timedelta(days=int(found[1]))
    count = run(lambda services, operator: services.administration.prune_audit(keep, operator))
    done(f"Forgot {count} event{'' if count == 1 else 's'} older than {found[1]} days.")
