"""Run the project's checks one after the other: `verify.py test|test-deployment|check|e2e|bench|format [ARGS]`.

Stops at the first that fails, and ends with a list of what passed, how long it took, and what could not be done.
"""

import io
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit import NOT_DONE
from environment import clean_environment
from places import BACKEND, FRONTEND, ROOT, SCRIPTS

WIDTH = 78


@dataclass(frozen=True)
class Section:
    """Commands run in one folder under one heading. Exit code *not_done* means that the check could not be done."""

    title: str
    folder: Path
    commands: Sequence[str]
    not_done: int | None = None


# fmt: off
LEAKS = Section("No addresses or machine paths", ROOT, ["python scripts/leaks.py"])
WORDS = Section("Plain English", ROOT, ["python scripts/words.py"])
LOCKS = Section("Lock files", ROOT, ["python scripts/lock.py check"])
STYLE = Section("Python style", ROOT, ["ruff format --check .", "ruff check ."])
TYPES = Section("Python types", BACKEND, ["mypy", "mypy --explicit-package-bases ../bench"])
SCRIPT_TYPES = Section("Types of the scripts", SCRIPTS, ["mypy --strict ."])
CONTRACTS = Section("Import contracts", BACKEND, ["lint-imports"])
SCHEMA = Section("API types of the pages", ROOT, ["python scripts/schema.py check"])
PAGE_STYLE = Section("Page style and types", FRONTEND, [
    "npm run --silent lint", "npm run --silent typecheck",
])
DOMAIN_TESTS = Section("Domain tests", BACKEND, ["pytest -q tests/domain"])
BACKEND_TESTS = Section("Backend tests", BACKEND, ["pytest -q -n 3 --dist loadfile --tier fast --durations 10"])
DEPLOYMENT_TESTS = Section("Deployment tests", BACKEND, [
    "pytest -q -n 2 --dist loadfile --tier deployment --durations 25",
])
PAGE_TESTS = Section("Page tests", FRONTEND, ["npm run --silent test"])
SIZE = Section("Page size", FRONTEND, ["npm run --silent size"])
ALL_JOURNEYS = Section("Browser journeys", FRONTEND, ["playwright test"])
JOURNEYS = Section("Browser journeys", FRONTEND, ["playwright test --project sqlite"])
MORE_JOURNEYS = Section("Browser journeys: demo, PostgreSQL, deployed", FRONTEND, [
    "playwright test --project demo --project postgresql --project production",
])
# Last, so that an advisory published today hides no other result. A network that is down is no failure.
AUDIT = Section("Known vulnerabilities", ROOT, ["python scripts/audit.py"], not_done=NOT_DONE)
MEASURES = Section("Benchmarks", ROOT, ["python -m bench"])
FORMAT_PYTHON = Section("Python", ROOT, ["ruff check --fix .", "ruff format ."])
FORMAT_PAGES = Section("Pages", FRONTEND, ["npm run --silent format"])

PLANS = {
    "test": [
        LEAKS, WORDS, LOCKS, STYLE, TYPES, SCRIPT_TYPES, CONTRACTS, SCHEMA, PAGE_STYLE,
        PAGE_TESTS, SIZE, BACKEND_TESTS, JOURNEYS,
    ],
    "test-deployment": [DEPLOYMENT_TESTS, MORE_JOURNEYS, AUDIT],
    "check": [LEAKS, WORDS, STYLE, TYPES, SCRIPT_TYPES, CONTRACTS, SCHEMA, DOMAIN_TESTS, PAGE_STYLE],
    "e2e": [ALL_JOURNEYS],
    "bench": [MEASURES],
    "format": [FORMAT_PYTHON, FORMAT_PAGES],
}
# fmt: on


def main(plan: str, arguments: list[str]) -> int:
    """Run the sections of a plan, with *arguments* added to its last command; return the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has these symbols
    sections = PLANS[plan]
    times: list[float] = []
    not_done: list[Section] = []
    code = 0
    try:
        for number, section in enumerate(sections, start=1):
            heading = f"── {number}/{len(sections)} {section.title} "
            print(f"\n{heading:─<{WIDTH}}", flush=True)
            started = time.monotonic()
            code = _run(section, arguments)
            times.append(time.monotonic() - started)
            if code == section.not_done:
                not_done.append(section)
                code = 0
            if code != 0:
                break
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130
    _summarize(plan, sections, times, not_done, code)
    return code


def _run(section: Section, arguments: list[str]) -> int:
    for command in section.commands:
        words = [*shlex.split(command), *arguments]
        code = subprocess.run(words, cwd=section.folder, env=clean_environment(), check=False).returncode
        if code == section.not_done:
            return code
        if code != 0:
            print(f"\nfailed, in {section.folder.relative_to(ROOT)}/: {shlex.join(words)}")
            return code
    return 0


def _summarize(
    plan: str, sections: Sequence[Section], times: Sequence[float], not_done: Sequence[Section], code: int
) -> None:
    print(f"\n{'═' * WIDTH}")
    for number, section in enumerate(sections):
        failed = code != 0 and number == len(times) - 1
        mark = "✗" if failed else "?" if section in not_done else "✓" if number < len(times) else "·"
        took = "NOT DONE" if section in not_done else f"{times[number]:7.1f} s" if number < len(times) else "not run"
        print(f"{mark} {section.title:<45} {took:>10}")
    minutes, seconds = divmod(round(sum(times)), 60)
    total = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    if code == 0:
        but = "".join(f" But not done: {section.title}; the reason is above." for section in not_done)
        print(f"\nmake {plan}: all is well, in {total}.{but}")
    else:
        print(f"\nmake {plan}: {sections[len(times) - 1].title} failed, after {total}; its output is above.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
