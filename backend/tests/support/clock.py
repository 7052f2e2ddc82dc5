"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


class FrozenClock:
    """The time the test says it is."""

    def __init__(self, now: datetime = NOON) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def advance(self, **delta: float) -> None:
        """Move on, as ``advance(minutes=15)``."""
        self.moment += timedelta(**delta)
