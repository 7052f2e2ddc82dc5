"""Waiting for what other processes do, with an end."""

import asyncio
import time
from collections.abc import Callable

PATIENCE_SECONDS = 60.0


def until(holds: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Return once a condition holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it does not hold after {seconds:.0f} s"
        time.sleep(0.05)


async def until_it_holds(holds: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Return once a condition holds, and let others run meanwhile."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it does not hold after {seconds:.0f} s"
        await asyncio.sleep(0.005)
