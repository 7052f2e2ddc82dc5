"""Refreshes the gauges."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import get_args

from focys.features.admin import RESET
from focys.features.bypass import Bypasses
from focys.features.outbox import Outbox
from focys.infra.ops import metrics
from focys.infra.web.health import Part

LATE = timedelta(minutes=5)
"""An email that has waited this long is late: three tries have failed."""

HOUR = timedelta(hours=1)


class Watch:
    """Refreshes the gauges; one of them says whether the database is up."""

    def __init__(self, outbox: Outbox, bypasses: Bypasses, failing: Callable[[], Awaitable[list[Part]]]) -> None:
        self._outbox, self._bypasses, self._failing = outbox, bypasses, failing

    async def look(self) -> None:
        """Refresh the gauges; a value that cannot be read stays as it was."""
        try:
            failing = await self._failing()
            for part in get_args(Part):
                metrics.READY.labels(part).set(part not in failing)
            metrics.MAILS_WAITING.set(await self._outbox.count_waiting(LATE))
            metrics.MFA_RESETS.set(await self._outbox.count_written(RESET.kind, HOUR))
            for scope, seconds in (await self._bypasses.seconds_left()).items():
                metrics.MFA_BYPASS.labels(scope).set(seconds)
        except Exception:  # noqa: BLE001  the next round must run, whatever is wrong with the database
            metrics.DATABASE_UP.set(0)
        else:
            metrics.DATABASE_UP.set(1)
