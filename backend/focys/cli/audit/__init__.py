"""``focys audit``: shows what happened to an account, and deletes old events."""

from focys.cli.app import new_app
from focys.cli.audit.listing import list_events
from focys.cli.audit.prune import prune

app = new_app("Show what happened to an account; delete old events.")
app.command("list")(list_events)
app.command()(prune)

__all__ = ["app"]
