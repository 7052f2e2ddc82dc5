"""The gauge of password spraying: a few passwords tried on many accounts, from too many networks for a limit."""

from datetime import datetime

from focys.domain.networks import SPRAY_WINDOW, most_accounts_tried
from focys.features.throttling.repository import list_tried
from focys.infra.db.database import Database
from focys.infra.ops import metrics
from focys.settings import Settings


async def read_accounts_tried(database: Database, settings: Settings, now: datetime) -> None:
    """Count the accounts with a wrong password from one IPv4 /24 or IPv6 /48 within the last hour."""
    tried = await list_tried(database, now - SPRAY_WINDOW, now)
    metrics.SPRAY_ACCOUNTS.set(most_accounts_tried(tried, settings.network_limits))
