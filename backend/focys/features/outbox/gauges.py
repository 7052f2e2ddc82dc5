"""The gauge of overdue emails."""

from datetime import datetime, timedelta

from focys.features.outbox.repository import OutboxRepository
from focys.infra.db.database import Database
from focys.infra.ops import metrics
from focys.settings import Settings

LATE = timedelta(minutes=5)
"""An email that has waited this long is late: three tries have failed."""


async def read_waiting(database: Database, _settings: Settings, now: datetime) -> None:
    """Count the emails that are late."""
    metrics.MAILS_WAITING.set(await OutboxRepository(database).count_waiting(now - LATE))
