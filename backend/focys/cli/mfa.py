"""``focys mfa``: bypasses the second step for a limited time, when it cannot work."""

from typing import Annotated

import typer
from rich.markup import escape

from focys.cli.console import cli_errors, confirm, fail, out, success
from focys.cli.operator import run
from focys.domain.bypass import checked_reason, duration_of
from focys.features.bypass import NotOver
from focys.infra.web.caller import Caller
from focys.services import Services

EVERYONE = "everyone but administrators"
NONE_ACTIVE = "No bypass is active: the second step is required as always."

app = typer.Typer(help="Bypass the second step for a limited time, when it cannot work.", no_args_is_help=True)


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
def status() -> None:
    """Show active and scheduled bypasses: until when, why, and how many sessions were opened under them.

    Example: [bold]focys mfa status[/]
    """

    async def act(services: Services, _operator: Caller) -> list[tuple[NotOver, int | None, int]]:
        now, count = services.clock.now(), services.sessions.count_under
        return [
            (
                found,
                round((found.ends_at - now).total_seconds() / 60) if found.is_in_force(now) else None,
                await count(found.id),
            )
            for found in await services.bypasses.list_not_over()
        ]

    not_over = run(act)
    for found, minutes, sessions in not_over:
        may, more, began = " can sign in with the password alone", f", {minutes} minutes left", "began "
        if minutes is None:
            may, more, began = ": not active yet; scheduled while a clock was ahead", "", "begins"
        out.print(f"[bold yellow]![/] {escape(_whom(found))}{may}")
        out.print(f"  until   {found.ends_at:%Y-%m-%d %H:%M:%S} UTC{more}")
        out.print(f"  why     {found.reason}", markup=False)
        out.print(f"  {began}  {found.begins_at:%Y-%m-%d %H:%M:%S} UTC by {found.operator}", markup=False)
        out.print(f"  opened  {_number(sessions)} so far")
    out.print("End it now: focys mfa bypass --end" if not_over else NONE_ACTIVE)


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
