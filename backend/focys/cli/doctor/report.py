"""How a report looks: a table for a terminal, plain text for a ticket."""

import platform
from contextlib import suppress

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from focys import __version__
from focys.cli.doctor.examination import Report
from focys.cli.doctor.finding import Finding, State
from focys.domain.plain_text import printable

_SIGNS = {State.OK: "[bold green]✓[/]", State.WARN: "[bold yellow]![/]", State.FAIL: "[bold red]✗[/]"}
_COLOURS = {State.OK: "default", State.WARN: "yellow", State.FAIL: "red"}


def show(report: Report, out: Console) -> None:
    """Print the table: a sign, what was looked at, how it stands, and below it what mends it."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("sign", "word", "name"):
        table.add_column(column, no_wrap=True)
    table.add_column("detail", overflow="fold")
    for finding in report.findings:
        colour = _COLOURS[finding.state]
        table.add_row(
            _SIGNS[finding.state],
            f"[{colour}]{finding.state}[/]",
            f"[bold]{escape(finding.name)}[/]",
            _cell(finding),
        )
    out.print(table, soft_wrap=False)
    out.print(f"\n{_summary(report)}")


def as_text(report: Report) -> str:
    """Return the same without colours, hosts, paths and people, fit to be passed on."""
    lines = [
        f"focys {__version__}, Python {platform.python_version()}, {report.database}",
        f"{_platform()}, {report.public_url}",
        "",
    ]
    for finding in report.findings:
        mend = f" (mend: {finding.mend})" if finding.mend else ""
        lines.append(f"{finding.state:<5} {finding.name:<17} {printable(finding.detail + mend)}")
    return "\n".join(lines)


def _cell(finding: Finding) -> str:
    aside = f" [dim]{escape(printable(finding.aside))}[/]" if finding.aside else ""
    mend = f"\n[cyan]→ {escape(printable(finding.mend))}[/]" if finding.mend else ""
    return f"{escape(printable(finding.detail))}{aside}{mend}"


def _summary(report: Report) -> str:
    states = [finding.state for finding in report.findings]
    failed, warned = states.count(State.FAIL), states.count(State.WARN)
    if failed:
        return f"[bold red]{failed} to mend[/], {warned} to look at, of {len(states)}."
    if warned:
        return f"[bold yellow]{warned} to look at[/], nothing fails, of {len(states)}."
    return f"[bold green]All {len(states)} are well.[/]"


def _platform() -> str:
    system = platform.system()
    with suppress(OSError):
        system = platform.freedesktop_os_release().get("PRETTY_NAME", system)
    return f"{system} on {platform.machine()}"
