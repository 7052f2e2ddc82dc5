"""The clock; nothing else reads the time. All workers follow the database's, so they agree on when a lock ends."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The current time, in UTC."""

    def now(self) -> datetime:
        """Return an aware time in UTC."""
        ...


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """Return an aware time in UTC."""
        return datetime.now(UTC)


class DatabaseClock:
    """The database's clock. Between readings it advances with the monotonic clock.

    So changes to this machine's own clock have no effect.
    """

    def __init__(self) -> None:
        self.set(datetime.now(UTC))

    def set(self, now: datetime) -> None:
        """Set the clock to the database's current time."""
        self._read, self._at = now.timestamp(), time.monotonic()

    def now(self) -> datetime:
        """Return an aware time in UTC."""
        return datetime.fromtimestamp(self._read + time.monotonic() - self._at, UTC)
