"""A clock that a test steps under a program while it runs, by libfaketime."""

import importlib.util
from pathlib import Path

import pytest

_OF_THE_SYSTEM = "*-linux-gnu*/faketime/libfaketime.so.1"
_OF_THE_WHEEL = "vendor/libfaketime/src/libfaketime.so.1"


class SteppedClock:
    """What a program that runs in ``environment`` takes for the time of day; the passing of time stays true."""

    def __init__(self, folder: Path) -> None:
        self._offset = folder / "offset"
        self.seconds = 0
        self.step_to(0)

    @property
    def environment(self) -> dict[str, str]:
        """What the program has to be started with."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # gunicorn compares the times of a file with the monotonic clock.
            "NO_FAKE_STAT": "1",
        }

    def step_to(self, seconds: int) -> None:
        """Stand so many seconds ahead of the true time, from now on."""
        written = self._offset.with_suffix(".new")
        written.write_text(f"{seconds:+d}\n")
        written.chmod(0o644)
        # At once: a program may look at any moment.
        written.replace(self._offset)
        self.seconds = seconds


def _library() -> Path:
    wheel = importlib.util.find_spec("libfaketime")
    # The locked one first: under Debian 12's, time.sleep fails in gunicorn.
    found = [Path(folder) / _OF_THE_WHEEL for folder in (wheel.submodule_search_locations or [] if wheel else [])]
    found += sorted(Path("/usr/lib").glob(_OF_THE_SYSTEM))
    existing = next((path for path in found if path.exists()), None)
    if existing is None:
        pytest.fail("This test needs libfaketime, which is missing here: install the package libfaketime.")
    return existing
