"""What the checks return, and how a report is printed: a table for a terminal, JSON for programs, text for a ticket."""

import json
import platform
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from focys import __version__
from focys.domain.plain_text import printable

_UNKNOWN = "unknown"
_ADDRESS = re.compile(r"(?<![\d.])(?!127\.0\.0\.1)\d{1,3}(?:\.\d{1,3}){3}(?![\d.])|[\w.+-]+@[\w-]+\.[\w.-]+")
"""An IP address other than this machine's own, or an email address, no matter how it got into the report."""


class State(StrEnum):
    """``warn`` is a risk or a nuisance; ``fail`` keeps people from signing in."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


_SIGNS = {State.OK: "[bold green]✓[/]", State.WARN: "[bold yellow]![/]", State.FAIL: "[bold red]✗[/]"}
_COLORS = {State.OK: "default", State.WARN: "yellow", State.FAIL: "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    ``aside`` is for the operator's own terminal: a ticket never contains it. Settings in ``detail`` and ``fix`` are
    replaced there by their names.
    """

    name: str
    state: State
    detail: str
    fix: str = ""
    aside: str = ""


@dataclass(slots=True)
class Report:
    """What was found, and on which system."""

    findings: list[Finding] = field(default_factory=list)
    database: str = _UNKNOWN
    private: Sequence[tuple[str, str]] = ()
    """The values that must not be passed on, each with the name to print in its place."""

    @property
    def is_healthy(self) -> bool:
        """Whether nothing fails."""
        return all(finding.state is not State.FAIL for finding in self.findings)


def ok(name: str, detail: str, *, aside: str = "") -> Finding:
    """Return a finding that needs no action."""
    return Finding(name, State.OK, detail, aside=aside)


def warn(name: str, detail: str, fix: str, *, aside: str = "") -> Finding:
    """Return a finding that someone should look at."""
    return Finding(name, State.WARN, detail, fix, aside)


def fail(name: str, detail: str, fix: str, *, aside: str = "") -> Finding:
    """Return a finding that something does not work."""
    return Finding(name, State.FAIL, detail, fix, aside)


def show(report: Report, out: Console) -> None:
    """Print a table: a sign, the state, what was checked, the result, and below it the fix."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("sign", "word", "name"):
        table.add_column(column, no_wrap=True)
    table.add_column("detail", overflow="fold")
    for finding in report.findings:
        color = _COLORS[finding.state]
        table.add_row(
            _SIGNS[finding.state],
            f"[{color}]{finding.state}[/]",
            f"[bold]{escape(finding.name)}[/]",
            _cell(finding),
        )
    out.print(table, soft_wrap=False)
    out.print(f"\n{_summary(report)}")


def as_json(report: Report) -> str:
    """Return the same for a program, with the operator's asides."""
    checks = [asdict(finding) for finding in report.findings]
    return json.dumps({"version": __version__, "healthy": report.is_healthy, "checks": checks}, indent=2)


def as_text(report: Report) -> str:
    """Return the same without colors, hosts, paths and people, safe to pass on."""
    lines = [f"focys {__version__}, Python {platform.python_version()}, {report.database}", _platform(), ""]
    for finding in report.findings:
        fix = f" (fix: {finding.fix})" if finding.fix else ""
        text = redacted(printable(finding.detail + fix), report.private)
        lines.append(f"{finding.state:<5} {finding.name:<17} {text}")
    return "\n".join(lines)


def redacted(text: str, private: Sequence[tuple[str, str]]) -> str:
    """Return the text with each private value replaced by its name, the longest first; and without IP addresses."""
    for value, name in sorted(private, key=lambda pair: len(pair[0]), reverse=True):
        text = re.sub(rf"(?<![\w.-]){re.escape(value)}(?![\w-])", name, text, flags=re.IGNORECASE)
    return _ADDRESS.sub("ADDRESS", text)


def _cell(finding: Finding) -> str:
    aside = f" [dim]{escape(printable(finding.aside))}[/]" if finding.aside else ""
    fix = f"\n[cyan]→ {escape(printable(finding.fix))}[/]" if finding.fix else ""
    return f"{escape(printable(finding.detail))}{aside}{fix}"


def _summary(report: Report) -> str:
    states = [finding.state for finding in report.findings]
    failed, warned = states.count(State.FAIL), states.count(State.WARN)
    warnings = "1 warning" if warned == 1 else f"{warned} warnings"
    if failed:
        return f"[bold red]{failed} failed[/], {warnings} ({len(states)} checks)."
    if warned:
        return f"[bold yellow]{warnings}[/], nothing failed ({len(states)} checks)."
    return f"[bold green]All {len(states)} checks passed.[/]"


def _platform() -> str:
    system = platform.system()
    with suppress(OSError):
        system = platform.freedesktop_os_release().get("PRETTY_NAME", system)
    return f"{system} on {platform.machine()}"
