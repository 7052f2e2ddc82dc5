"""What a check answers."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands: ``warn`` can be lived with, ``fail`` keeps people from signing in."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    ``detail`` and ``mend`` name no host, path, person or secret, so that they can be passed on; ``aside`` is for the
    operator's own terminal.
    """

    name: str
    state: State
    detail: str
    mend: str = ""
    aside: str = ""


def ok(name: str, detail: str, *, aside: str = "") -> Finding:
    """Return that all is well."""
    return Finding(name, State.OK, detail, aside=aside)


def warn(name: str, detail: str, mend: str, *, aside: str = "") -> Finding:
    """Return that something should be looked at."""
    return Finding(name, State.WARN, detail, mend, aside)


def fail(name: str, detail: str, mend: str, *, aside: str = "") -> Finding:
    """Return that something does not work."""
    return Finding(name, State.FAIL, detail, mend, aside)
