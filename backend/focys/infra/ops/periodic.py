"""Work that runs at regular intervals while the service is up."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from focys.infra.ops.logs import logger

_log = logger("focys.periodic")


class Periodic:
    """Runs *work* every *seconds* seconds, the first time after *first_after* seconds.

    If a run raises, the error is logged with the work's name, and the schedule continues. During an outage, only the
    first failure in a row is logged.
    """

    def __init__(
        self, work: Callable[[], Awaitable[object]], *, name: str, seconds: float, first_after: float = 0
    ) -> None:
        self._work, self._name, self._seconds, self._first_after = work, name, seconds, first_after
        self._is_over = asyncio.Event()

    async def run(self) -> None:
        """Run until stopped."""
        pause, is_failing = self._first_after, False
        while not await self._is_over_within(pause):
            try:
                await self._work()
            except Exception as fault:  # noqa: BLE001  must survive a database outage
                if not is_failing:
                    _log.warning("periodic_work_failed", work=self._name, kind=type(fault).__name__)
                is_failing = True
            else:
                is_failing = False
            pause = self._seconds

    def stop(self) -> None:
        """Stop after the current run. Canceling it would leave its database connection open."""
        self._is_over.set()

    async def _is_over_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_over.wait()
        return self._is_over.is_set()
