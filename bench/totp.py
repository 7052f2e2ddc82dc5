"""TOTP verification: a wrong code against three steps, from the stored Base32 text. `python -m bench.totp`."""

import hmac
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version

import pyotp
from focys.domain import totp

from bench.report import Aim, Effort, Result, Row, Say, main, ratios

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # noqa: S105  the key of RFC 6238, Appendix B
NOW = 1_700_000_000.0

_KEY = b"12345678901234567890"
_STEP = totp.step_at(NOW)
_STEPS = [step.to_bytes(8, "big") for step in range(_STEP - 1, _STEP + 2)]
_OURS, _RAW, _PYOTP = "FOCYS matching_step", "three raw HMAC-SHA1", f"pyotp {version('pyotp')} verify"


def measure(effort: Effort, say: Say) -> Result:
    """Time each way many times in turn, and keep the best of each round, because interference only adds time."""
    code = _a_wrong_code()
    ways = {_OURS: lambda: _ours(code), _RAW: _raw, _PYOTP: lambda: _pyotp(code)}
    best = _rounds(ways, effort, say)
    faster = ratios(best[_PYOTP], best[_OURS])
    return Result(
        "TOTP verification",
        "A wrong code, one step either way, from the stored Base32; one core.",
        [
            Row(_OURS, _microseconds(best[_OURS])),
            Row(_RAW, _microseconds(best[_RAW]), ratios(best[_OURS], best[_RAW]), Aim(1.5, "at most")),
            Row(_PYOTP, _microseconds(best[_PYOTP]), faster, Aim(3, "at least", "x faster")),
        ],
    )


def _ours(code: str) -> object:
    return totp.matching_step(SECRET, code, now=NOW)


def _raw() -> None:
    for step in _STEPS:
        hmac.digest(_KEY, step, "sha1")


def _pyotp(code: str) -> object:
    return pyotp.TOTP(SECRET).verify(code, for_time=NOW, valid_window=1)


def _a_wrong_code() -> str:
    right = {totp.code_for(SECRET, step) for step in range(_STEP - 1, _STEP + 2)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


def _rounds(ways: Mapping[str, Callable[[], object]], effort: Effort, say: Say) -> dict[str, list[float]]:
    best: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(effort.rounds):
        for name, way in ways.items():
            say(f"TOTP verification, round {number + 1} of {effort.rounds}: {name}")
            best[name].append(min(_seconds_of(way) for _ in range(60)))
    return best


def _seconds_of(way: Callable[[], object], calls: int = 300) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        way()
    return (time.perf_counter() - began) / calls


def _microseconds(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1e6:.2f} us"


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
