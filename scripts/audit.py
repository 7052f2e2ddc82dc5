"""Ask whether a known vulnerability is in what the locks pin: `audit.py`.

| exit code | says |
|---|---|
| 0 | all was asked, and no known vulnerability that a newer version mends is in what is deployed |
| 1 | one is: it is named, with the version that mends it |
| 3 | some of it could not be asked about; what, and why, is said |

What only developers use, and what no version mends yet, is told and changes no code. Of the Python packages, those are
asked about that this machine's Python would install. It takes a minute at most.
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
SECONDS_FOR_AN_ANSWER = "15"
LONGEST_REASON = 100

Json = dict[str, Any]

HOW_TO_MEND = """
Take a version that mends it, and commit the locks: `make lock ARGS='--upgrade-package NAME'` for Python;
`npm audit fix --package-lock-only` in frontend/ for the pages, or the version in its package.json and `make lock`.
"""


@dataclass(frozen=True, order=True)
class Finding:
    """A known vulnerability; *mended* says by which version, and is empty if there is none."""

    package: str
    vulnerability: str
    mended: str
    is_deployed: bool

    @property
    def fails(self) -> bool:
        """Whether somebody can, and has to, do something about it."""
        return self.is_deployed and bool(self.mended)

    def __str__(self) -> str:
        """Say it in a line."""
        where = "deployed" if self.is_deployed else "not deployed"
        mended = f"mended by {self.mended}" if self.mended else "no version mends it yet"
        return f"{'✗' if self.fails else '!'} {self.package} ({where}): {self.vulnerability}, {mended}"


@dataclass(frozen=True)
class Answer:
    """What a service told; *unasked* says why it did not tell all, and is empty if it did."""

    findings: tuple[Finding, ...] = ()
    unasked: str = ""


def main() -> int:
    """Ask about both sides at the same time, print what was told, return the exit code."""
    end = time.monotonic() + SECONDS
    sides: dict[str, Callable[[float], Answer]] = {"Python packages": _ask_for_python, "Page packages": _ask_for_pages}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = {side: pool.submit(ask, end) for side, ask in sides.items()}
        answers = {side: answer.result() for side, answer in asked.items()}
    for side, answer in answers.items():
        print("\n".join([f"{side}: {_summary(answer)}", *(f"  {finding}" for finding in sorted(answer.findings))]))
    if any(finding.fails for answer in answers.values() for finding in answer.findings):
        print(HOW_TO_MEND)
        return FOUND
    return NOT_ASKED if any(answer.unasked for answer in answers.values()) else 0


def _summary(answer: Answer) -> str:
    if answer.unasked:
        return f"NOT AUDITED: {answer.unasked}"
    return f"{len(answer.findings) or 'no'} known vulnerabilit{'y' if len(answer.findings) == 1 else 'ies'}."


def _ask_for_python(end: float) -> Answer:
    """Ask one service, and where it cannot be asked the other; they tell the same."""
    # Strict: a mirror that knows no advisories is left after one question, not after one for each package.
    options = ["--strict", "--disable-pip", "--require-hashes", "--format=json", "--desc=off", "--progress-spinner=off"]
    locks = [f"--requirement={lock}" for lock in LOCKS if lock != BACKEND / "requirements.txt"]
    reasons = []
    for service in ("osv", "pypi"):
        with tempfile.TemporaryDirectory() as cache:
            bounds = [f"--timeout={SECONDS_FOR_AN_ANSWER}", f"--cache-dir={cache}"]
            command = ["pip-audit", f"--vulnerability-service={service}", *options, *bounds, *locks]
            answer = _judge(_judge_python, command, end)
        if answer.findings or not answer.unasked:
            return answer
        reasons.append(f"{service}: {answer.unasked}")
    return Answer(unasked="; ".join(reasons))


def _judge_python(told: Json) -> Answer:
    """Read pip-audit's answer: for it, a package the service does not know has no known vulnerability."""
    deployed = {pin.name for pin in pins_of(BACKEND / "requirements.txt")}
    pinned = {pin.name for lock in LOCKS for pin in pins_of(lock) if not pin.condition}
    known = {package["name"]: package for package in told["dependencies"] if "skip_reason" not in package}
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
    bounds = ["--fetch-retries=1", f"--fetch-timeout={SECONDS_FOR_AN_ANSWER}000"]
    return _judge(_judge_pages, ["npm", "audit", "--json", "--package-lock-only", "--include=dev", *bounds], end)


def _judge_pages(told: Json) -> Answer:
    if "message" in told:
        return Answer(unasked=told["message"])
    packages = json.loads(PAGE_LOCK.read_text())["packages"]
    findings = {
        Finding(
            f"{name} {packages[place]['version']}",
            f"{advisory['title']} ({advisory['severity']}, {advisory['url'].rpartition('/')[2]})",
            _mend(found, advisory),
            ends_in_pages(packages[place]),
        )
        for name, found in told["vulnerabilities"].items()
        for advisory in found["via"]
        if isinstance(advisory, dict)  # of a package that only needs the one in question, there is its name
        for place in found["nodes"]
    }
    return Answer(tuple(findings))


def _mend(found: Json, advisory: Json) -> str:
    fix = found["fixAvailable"]
    if isinstance(fix, dict):
        return f"{fix['name']} {fix['version']}"
    return f"what is not {advisory['range']}" if fix else ""


def _judge(judge: Callable[[Json], Answer], command: list[str], end: float) -> Answer:
    """Run a client, whose exit code says the same for a finding and for no answer, and read what it prints."""
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
        return Answer(unasked="no answer in time")
    except OSError as error:
        return Answer(unasked=f"`{command[0]}` does not start: {error.strerror}")
    try:
        return judge(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError, AttributeError):
        last = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        words = textwrap.shorten(last, LONGEST_REASON, placeholder=" …")
        return Answer(unasked=f"`{command[0]}` says: {words}")


if __name__ == "__main__":
    sys.exit(main())
