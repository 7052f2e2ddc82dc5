"""Check the deployed packages for known vulnerabilities, with pip-audit and npm: `audit.py`.

| exit code | meaning |
|---|---|
| 0 | every package was checked; no vulnerability that a newer version fixes |
| 1 | there is one; the output names it and the fix |
| 3 | some packages could not be checked; the output says which, and why |

Vulnerabilities without a fix are printed but do not change the exit code.
"""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from environment import clean_environment
from places import BACKEND, FRONTEND

FIXABLE, NOT_DONE = 1, 3
SECONDS = 60

# Strict, because pip-audit counts a package that the service does not know as safe.
PYTHON = (
    "pip-audit --strict --require-hashes --disable-pip --vulnerability-service=osv --timeout=15 "
    "--format=json --desc=off --progress-spinner=off --requirement=requirements.txt"
)
PAGES = "npm audit --json --omit=dev --package-lock-only --fetch-retries=1 --fetch-timeout=15000"

HOW_TO_FIX = """
Upgrade, and commit the locks: `make lock ARGS='--upgrade-package NAME'` for Python;
`npm audit fix --package-lock-only` in frontend/ for the pages, or the version in its package.json and `make lock`.
"""

Json = dict[str, Any]
Finding = tuple[str, str]  # the vulnerability, and what fixes it, if anything does


def main() -> int:
    """Check both sides, print the results, return the exit code."""
    codes = [
        _audit("Python packages", lambda: _python_findings(_output_of(PYTHON, BACKEND))),
        _audit("Page packages", lambda: _page_findings(_output_of(PAGES, FRONTEND))),
    ]
    if FIXABLE in codes:
        print(HOW_TO_FIX)
        return FIXABLE
    return max(codes)


def _audit(packages: str, ask: Callable[[], Iterator[Finding]]) -> int:
    try:
        findings = sorted(set(ask()))
    except (OSError, subprocess.TimeoutExpired, ValueError, LookupError, TypeError, AttributeError) as error:
        print(f"{packages}: NOT AUDITED: {textwrap.shorten(f'{type(error).__name__}: {error}', 300)}")
        return NOT_DONE
    print(f"{packages}: {len(findings) or 'no'} known vulnerabilit{'y' if len(findings) == 1 else 'ies'}.")
    for vulnerability, fix in findings:
        print(f"  {'✗' if fix else '!'} {vulnerability}, {f'fixed in {fix}' if fix else 'no fix yet'}")
    return FIXABLE if any(fix for _, fix in findings) else 0


def _output_of(command: str, folder: Path) -> Json:
    """Return what a client prints; its exit code does not tell a finding from a failed request."""
    done = subprocess.run(
        command.split(),
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    try:
        output: Json = json.loads(done.stdout)
    except ValueError:
        raise ValueError((done.stderr.strip() or "no output").splitlines()[-1]) from None
    if "message" in output:
        raise ValueError(output["message"])
    return output


def _python_findings(output: Json) -> Iterator[Finding]:
    for package in output["dependencies"]:
        for found in package["vulns"]:
            names = " = ".join([found["id"], *found["aliases"]])
            yield f"{package['name']} {package['version']}: {names}", ", ".join(found["fix_versions"])


def _page_findings(output: Json) -> Iterator[Finding]:
    for name, found in output["vulnerabilities"].items():
        for advisory in found["via"]:
            if isinstance(advisory, dict):  # a plain string names the dependency with the advisory
                fix = found["fixAvailable"]
                other = f"a version outside {advisory['range']}" if fix else ""
                fixed = f"{fix['name']} {fix['version']}" if isinstance(fix, dict) else other
                yield f"{name}: {advisory['title']} ({advisory['url'].rpartition('/')[2]})", fixed


if __name__ == "__main__":
    sys.exit(main())
