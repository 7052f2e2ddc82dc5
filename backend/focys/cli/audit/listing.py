"""``focys audit list``."""

from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated

import typer

from focys.cli.audit.since import SinceError, parse_since
from focys.cli.console import err, fail
from focys.cli.operator import run
from focys.cli.tables import AsJson, Column, print_list
from focys.cli.users.arguments import Email
from focys.features.admin import PAGE_SIZE, EventFilter
from focys.features.audit import KeptEvent, Outcome, words_for
from focys.infra.web.caller import Caller
from focys.services import EVENTS, Services

_COLUMNS = (
    Column[KeptEvent]("Time (UTC)", lambda event: f"{event.at:%Y-%m-%d %H:%M:%S}"),
    Column[KeptEvent](
        "What happened",
        lambda event: words_for(event, EVENTS),
        lambda event: "" if event.outcome == Outcome.OK else "red",
    ),
    Column[KeptEvent]("From", lambda event: event.source),
    Column[KeptEvent]("Detail", lambda event: event.detail or ""),
)


def list_events(
    email: Email,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only events since then: 30m, 12h, 7d or 2026-01-31.")
    ] = None,
    event: Annotated[
        str | None,
        typer.Option("--event", metavar="NAME", help="Only events of this name.", autocompletion=lambda: [*EVENTS]),
    ] = None,
    page: Annotated[int, typer.Option("--page", metavar="N", min=1, max=100_000, help="Which page of 50.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show what happened to an account, newest first: sign-ins, refusals, and what operators did.

    Refusals before anything was compared, such as those of a locked account, are only in the log.

    Example: [bold]focys audit list dana@example.com --since 7d[/]

    Example: [bold]focys audit list dana@example.com --event TOTP --json[/]
    """
    name = _known(event) if event is not None else None
    try:
        begin = parse_since(since) if since is not None else None
    except SinceError as fault:
        fail(str(fault))

    async def act(services: Services, _operator: Caller) -> list[KeptEvent]:
        after = services.clock.now() - begin if isinstance(begin, timedelta) else begin
        return await services.directory.list_events(email, EventFilter(after, name, page))

    events = run(act)
    print_list(events, _COLUMNS, as_json=as_json, nothing="There are no such events." if page == 1 else "No more.")
    if len(events) == PAGE_SIZE:
        err.print(f"There may be older ones: --page {page + 1}", style="dim")


def _known(name: str) -> str:
    """Return the event of this name in any case, or fail and name the nearest ones."""
    names = {event.lower(): event for event in EVENTS}
    if name.lower() not in names:
        nearest = get_close_matches(name.lower(), names) or list(names)
        fail(f"There is no event '{name}'. Did you mean {', '.join(names[near] for near in nearest)}?")
    return names[name.lower()]
