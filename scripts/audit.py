"""Check the pinned packages for known vulnerabilities: `audit.py`.

| exit code | meaning |
|---|---|
| 0 | every package was checked; no fixable vulnerability in deployed packages |
| 1 | a deployed package has one; the output names it and the version that fixes it |
| 3 | some packages could not be checked; the output says which, and why |

Vulnerabilities in development packages, and those without a fix, are printed but do not change the exit code. Of the
Python packages, those are checked that this machine's Python would install. It takes a minute at most.
"""

import concurrent.futures
import json
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from environment import clean_environment
from lock import LOCKS, PAGE_LOCK, ends_in_pages, pins_of
from places import BACKEND, FRONTEND, ROOT

FOUND, NOT_ASKED = 1, 3
SECONDS = 55
RESPONSE_SECONDS = "15"
LONGEST_REASON = 100

Json = dict[str, Any]

HOW_TO_FIX = """
Upgrade to a fixed version, and commit the locks: `make lock ARGS='--upgrade-package NAME'` for Python;
`npm audit fix --package-lock-only` in frontend/ for the pages, or the version in its package.json and `make lock`.
"""


@dataclass(frozen=True, order=True)
class Finding:
    """A known vulnerability; *fixed* names the version that fixes it, or is empty."""

    package: str
    vulnerability: str
    fixed: str
    is_deployed: bool

    @property
    def fails(self) -> bool:
        """Whether it is deployed and a fix exists."""
        return self.is_deployed and bool(self.fixed)

    def __str__(self) -> str:
        """Return one line about it."""
        where = "deployed" if self.is_deployed else "not deployed"
        fixed = f"fixed in {self.fixed}" if self.fixed else "no fix yet"
        return f"{'✗' if self.fails else '!'} {self.package} ({where}): {self.vulnerability}, {fixed}"


@dataclass(frozen=True)
class Answer:
    """What a service reported; *unasked* says why it is incomplete, or is empty."""

    findings: tuple[Finding, ...] = ()
    unasked: str = ""


def main() -> int:
    """Check both sides in parallel, print the results, return the exit code."""
    end = time.monotonic() + SECONDS
    sides: dict[str, Callable[[float], Answer]] = {"Python packages": _ask_for_python, "Page packages": _ask_for_pages}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = {side: pool.submit(ask, end) for side, ask in sides.items()}
        answers = {side: answer.result() for side, answer in asked.items()}
    for side, answer in answers.items():
        print("\n".join([f"{side}: {_summary(answer)}", *(f"  {finding}" for finding in sorted(answer.findings))]))
    if any(finding.fails for answer in answers.values() for finding in answer.findings):
        print(HOW_TO_FIX)
        return FOUND
    return NOT_ASKED if any(answer.unasked for answer in answers.values()) else 0


def _summary(answer: Answer) -> str:
    if answer.unasked:
        return f"NOT AUDITED: {answer.unasked}"
    return f"{len(answer.findings) or 'no'} known vulnerabilit{'y' if len(answer.findings) == 1 else 'ies'}."


def _ask_for_python(end: float) -> Answer:
    """Ask one service, or the other if that fails; both have the same data."""
    # Strict: give up on a mirror without advisories after one request, not after one per package.
    options = ["--strict", "--disable-pip", "--require-hashes", "--format=json", "--desc=off", "--progress-spinner=off"]
    locks = [f"--requirement={lock}" for lock in LOCKS if lock != BACKEND / "requirements.txt"]
    reasons = []
    for service in ("osv", "pypi"):
        with tempfile.TemporaryDirectory() as cache:
            bounds = [f"--timeout={RESPONSE_SECONDS}", f"--cache-dir={cache}"]
            command = ["pip-audit", f"--vulnerability-service={service}", *options, *bounds, *locks]
            answer = _run(_read_python, command, end)
        if answer.findings or not answer.unasked:
            return answer
        reasons.append(f"{service}: {answer.unasked}")
    return Answer(unasked="; ".join(reasons))


def _read_python(output: Json) -> Answer:
    """Read pip-audit's output, which counts a package that the service does not know as safe."""
    deployed = {pin.name for pin in pins_of(BACKEND / "requirements.txt")}
    pinned = {pin.name for lock in LOCKS for pin in pins_of(lock) if not pin.condition}
    known = {package["name"]: package for package in output["dependencies"] if "skip_reason" not in package}
    findings = {
        Finding(f"{name} {package['version']}", _names(found), ", ".join(found["fix_versions"]), name in deployed)
        for name, package in known.items()
        for found in package["vulns"]
    }
    unknown = len(pinned - known.keys())
    return Answer(tuple(findings), f"{unknown} of {len(pinned)} packages are unknown to the service" if unknown else "")


def _names(found: Json) -> str:
    return " = ".join([found["id"], *found.get("aliases", [])])


def _ask_for_pages(end: float) -> Answer:
    bounds = ["--fetch-retries=1", f"--fetch-timeout={RESPONSE_SECONDS}000"]
    return _run(_read_pages, ["npm", "audit", "--json", "--package-lock-only", "--include=dev", *bounds], end)


def _read_pages(output: Json) -> Answer:
    if "message" in output:
        return Answer(unasked=output["message"])
    packages = json.loads(PAGE_LOCK.read_text())["packages"]
    findings = {
        Finding(
            f"{name} {packages[place]['version']}",
            f"{advisory['title']} ({advisory['severity']}, {advisory['url'].rpartition('/')[2]})",
            _fix(found, advisory),
            ends_in_pages(packages[place]),
        )
        for name, found in output["vulnerabilities"].items()
        for advisory in found["via"]
        if isinstance(advisory, dict)  # a plain string names the dependency with the advisory
        for place in found["nodes"]
    }
    return Answer(tuple(findings))


def _fix(found: Json, advisory: Json) -> str:
    fix = found["fixAvailable"]
    if isinstance(fix, dict):
        return f"{fix['name']} {fix['version']}"
    return f"a version outside {advisory['range']}" if fix else ""


def _run(read: Callable[[Json], Answer], command: list[str], end: float) -> Answer:
    """Run a client and read its output; its exit code does not tell a finding from a failed request."""
    try:
        done = subprocess.run(
            command,
            cwd=FRONTEND if command[0] == "npm" else ROOT,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=max(1, end - time.monotonic()),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(unasked="no response in time")
    except OSError as error:
        return Answer(unasked=f"`{command[0]}` does not start: {error.strerror}")
    try:
        return read(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError, AttributeError):
        last = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        words = textwrap.shorten(last, LONGEST_REASON, placeholder=" …")
        return Answer(unasked=f"`{command[0]}` says: {words}")


if __name__ == "__main__":
    sys.exit(main())
