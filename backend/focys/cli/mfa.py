"""``focys mfa``: bypasses the second step for a limited time, when it cannot work."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape

from focys.cli.app import new_app
from focys.cli.console import cli_errors, confirm, fail, out, success
from focys.cli.operator import run
from focys.cli.tables import AsJson, print_json
from focys.domain.bypass import checked_reason, duration_of
from focys.features.bypass import NotOver
from focys.infra.web.caller import Caller
from focys.services import Services

EVERYONE = "everyone but administrators"
NONE_ACTIVE = "No bypass is active: the second step is required as always."

app = new_app("Bypass the second step for a limited time, when it cannot work.")


@app.command()
def bypass(
    length: Annotated[str | None, typer.Option("--for", metavar="TIME", help="How long: 5m to 4h.")] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the audit.")] = None,
    user: Annotated[str | None, typer.Option(metavar="EMAIL", help="For this person only; preferred.")] = None,
    end: Annotated[bool, typer.Option("--end", help="End the bypass of EMAIL, or all of them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Let people who have a second step sign in with the password alone, for a limited time.

    Without --user it applies to everyone but administrators, who must be named one by one. People without a second step
    sign in as always. Every sign-in is audited, and the owner gets at most one email an hour. The sessions end with the
    bypass.

    Example: [bold]focys mfa bypass --for 30m --user dana@example.com --reason "lost the phone while traveling"[/]

    Example: [bold]focys mfa bypass --end[/]
    """
    if end:
        if length is not None or reason is not None:
            fail("--end takes neither --for nor --reason.")
        _end(user)
        return
    with cli_errors():
        if length is None or reason is None:
            fail(
                "Give a duration and a reason:",
                'focys mfa bypass --for 30m --reason "the phones\' clock service is down"',
            )
        time, why = duration_of(length), checked_reason(reason)
    if user is None and not yes:
        confirm(f"Let {EVERYONE} sign in with the password alone for {length}?")
    begun = run(lambda services, operator: services.bypasses.begin(time, why, operator, address=user))
    success(f"Until {begun.ends_at:%H:%M:%S} UTC, {_whom(begun)} can sign in with the password alone.")
    out.print("  End it now: focys mfa bypass --end")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show active and scheduled bypasses: until when, why, and how many sessions were opened under them.

    Example: [bold]focys mfa status[/]
    """
    shown = run(_list_bypasses)
    if as_json:
        print_json(shown)
        return
    for bypass in shown:
        _print_bypass(bypass)
    out.print("End it now: focys mfa bypass --end" if shown else NONE_ACTIVE)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A bypass as ``status`` shows it; ``user`` is None for everyone but administrators."""

    user: str | None
    is_active: bool
    minutes_left: int | None
    begins_at: datetime
    ends_at: datetime
    reason: str
    operator: str
    sessions: int


async def _list_bypasses(services: Services, _operator: Caller) -> list[_Shown]:
    now = services.clock.now()
    return [
        _Shown(
            found.address,
            found.is_in_force(now),
            round((found.ends_at - now).total_seconds() / 60) if found.is_in_force(now) else None,
            found.begins_at,
            found.ends_at,
            found.reason,
            found.operator,
            await services.sessions.count_under(found.id),
        )
        for found in await services.bypasses.list_not_over()
    ]


def _print_bypass(bypass: _Shown) -> None:
    may, more, began = " can sign in with the password alone", f", {bypass.minutes_left} minutes left", "began "
    if not bypass.is_active:
        may, more, began = ": not active yet; scheduled while a clock was ahead", "", "begins"
    out.print(f"[bold yellow]![/] {escape(bypass.user or EVERYONE)}{may}")
    out.print(f"  until   {bypass.ends_at:%Y-%m-%d %H:%M:%S} UTC{more}")
    out.print(f"  why     {bypass.reason}", markup=False)
    out.print(f"  {began}  {bypass.begins_at:%Y-%m-%d %H:%M:%S} UTC by {bypass.operator}", markup=False)
    out.print(f"  opened  {_number(bypass.sessions)} so far")


def _end(user: str | None) -> None:
    async def act(services: Services, operator: Caller) -> tuple[list[NotOver], int]:
        ended = await services.bypasses.end(operator, address=user)
        return ended, sum([await services.sessions.count_under(bypass.id) for bypass in ended])

    ended, sessions = run(act)
    if not ended:
        out.print(NONE_ACTIVE)
        return
    success(f"Ended the bypass for {' and '.join(map(_whom, ended))}, and the {_number(sessions)} opened under it.")


def _number(sessions: int) -> str:
    return "1 session" if sessions == 1 else f"{sessions} sessions"


def _whom(bypass: NotOver) -> str:
    return bypass.address or EVERYONE
