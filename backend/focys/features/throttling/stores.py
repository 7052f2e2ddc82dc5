"""Chooses the store of the network counters."""

from focys.features.throttling.networks import NetworkCounters
from focys.features.throttling.networks_in_database import NetworksInDatabase
from focys.features.throttling.networks_in_memory import NetworksInMemory
from focys.features.throttling.networks_in_redis import NetworksInRedis
from focys.infra.db.database import Database
from focys.infra.ops.clock import Clock


def network_counters(storage: str, database: Database, clock: Clock) -> NetworkCounters:
    """Return the store that RATE_LIMIT_STORAGE names."""
    if storage == "database":
        return NetworksInDatabase(database, clock)
    if storage.startswith("memory://"):
        return NetworksInMemory(database)
    return NetworksInRedis(storage, database, clock)
