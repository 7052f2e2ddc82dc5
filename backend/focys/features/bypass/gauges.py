"""The gauge of active bypasses."""

from datetime import datetime

from focys.features.bypass.repository import EVERYBODY, NAMED, BypassRepository
from focys.infra.db.database import Database
from focys.infra.ops import metrics
from focys.settings import Settings


async def read_seconds_left(database: Database, _settings: Settings, now: datetime) -> None:
    """Read the seconds until the last active bypass ends, for everybody and for named users; 0 if there is none."""
    left = {EVERYBODY: 0.0, NAMED: 0.0}
    for bypass in await BypassRepository(database).list_not_over(now):
        if bypass.is_in_force(now):
            left[bypass.whom] = max(left[bypass.whom], (bypass.ends_at - now).total_seconds())
    for whom, seconds in left.items():
        metrics.MFA_BYPASS.labels(whom).set(seconds)
