"""What fills the gauges."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import get_args

from focys.features.admin import RESET
from focys.features.bypass import Bypasses
from focys.features.outbox import Outbox
from focys.infra.ops import metrics
from focys.infra.web.health import Part

LATE = timedelta(minutes=5)
"""A letter that has waited for so long is late: meanwhile three tries have failed."""

HOUR = timedelta(hours=1)


class Watch:
    """Refreshes the gauges; a database that does not answer is itself a finding."""

    def __init__(self, outbox: Outbox, bypasses: Bypasses, failing: Callable[[], Awaitable[list[Part]]]) -> None:
        self._outbox, self._bypasses, self._failing = outbox, bypasses, failing

    async def look(self) -> None:
        """Write the current values into the gauges; what cannot be read keeps its last value."""
        try:
            failing = await self._failing()
            for part in get_args(Part):
                metrics.READY.labels(part).set(part not in failing)
            metrics.MAILS_WAITING.set(await self._outbox.count_waiting(LATE))
            metrics.MFA_RESETS.set(await self._outbox.count_written(RESET.kind, HOUR))
            for whom, seconds in (await self._bypasses.seconds_left()).items():
                metrics.MFA_BYPASS.labels(whom).set(seconds)
        except Exception:  # noqa: BLE001  whatever the database has, the next round comes
            metrics.DATABASE_UP.set(0)
        else:
            metrics.DATABASE_UP.set(1)
