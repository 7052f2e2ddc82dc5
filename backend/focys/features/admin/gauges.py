"""The gauge of second factors that administrators removed."""

from datetime import datetime, timedelta

from focys.features.admin.notices import RESET
from focys.features.outbox import count_queued
from focys.infra.db.database import Database
from focys.infra.ops import metrics
from focys.settings import Settings

_HOUR = timedelta(hours=1)


async def read_resets(database: Database, _settings: Settings, now: datetime) -> None:
    """Count the resets of the last hour by their emails, because the command line runs in another process."""
    metrics.MFA_RESETS.set(await count_queued(database, RESET.kind, now - _HOUR))
