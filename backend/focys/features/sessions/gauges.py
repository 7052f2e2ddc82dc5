"""The gauge of users who all seem to share one address: TRUSTED_PROXIES is wrong, and they share one rate limit."""

from datetime import datetime

from focys.features.sessions.repository import find_lone_address
from focys.infra.db.database import Database
from focys.infra.ops import metrics
from focys.infra.ops.logs import logger
from focys.infra.web.client_address import is_shared
from focys.settings import Settings

_log = logger("focys.sessions")


async def read_shared_address(database: Database, settings: Settings, now: datetime) -> None:
    """Count the users who share an address that cannot be their own, and log a warning if any do."""
    if settings.is_local:
        return
    found = await find_lone_address(database, now)
    people = found[0] if found is not None and is_shared(found[1], settings.trusted_proxies) else 0
    metrics.SHARED_ADDRESS.set(people)
    if people:
        _log.warning(
            "everybody_shares_an_address", people=people, fix="set TRUSTED_PROXIES to the address of your proxy"
        )
