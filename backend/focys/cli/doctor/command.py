"""The command itself."""

import asyncio
from typing import Annotated

import typer

from focys.cli.console import out
from focys.cli.doctor.examination import examine
from focys.cli.doctor.report import as_text, show
from focys.infra.ops import logs


def doctor(
    support: Annotated[
        bool, typer.Option("--support", help="Print plain text for a ticket: no secrets, addresses or hosts.")
    ] = False,
    send_test: Annotated[
        str | None, typer.Option("--send-test", metavar="ADDRESS", help="Send a test letter there.")
    ] = None,
    ntp: Annotated[
        str | None, typer.Option("--ntp", metavar="HOST", help="Compare the clock with a time server.")
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", metavar="URL", help="Where it listens, if not at http://127.0.0.1:8000.")
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Sign in wrongly through PUBLIC_URL, to see whose address is counted.")
    ] = False,
) -> None:
    """Look at everything the service needs, and say what mends what is wrong.

    Example: [bold]focys doctor --send-test you@example.com[/]
    """
    # What goes wrong is told in the report.
    logs.configure(pretty=False, quiet=True)
    report = asyncio.run(examine(send_test=send_test, ntp=ntp, probe=probe, service=service))
    if support:
        print(as_text(report))
    else:
        show(report, out)
    if not report.is_healthy:
        raise typer.Exit(1)
