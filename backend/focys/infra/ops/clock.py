"""The only reader of the clock. All workers follow the database's, so that a lock means the same everywhere."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, in UTC."""

    def now(self) -> datetime:
        """Return an aware time in UTC."""
        ...


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """Return an aware time in UTC."""
        return datetime.now(UTC)


class DatabaseClock:
    """The database's clock, carried forward by the monotonic one between readings.

    A step of this machine's own clock changes nothing.
    """

    def __init__(self) -> None:
        self.set(datetime.now(UTC))

    def set(self, now: datetime) -> None:
        """Take a fresh reading from the database."""
        self._read, self._at = now.timestamp(), time.monotonic()

    def now(self) -> datetime:
        """Return an aware time in UTC."""
        return datetime.fromtimestamp(self._read + time.monotonic() - self._at, UTC)
