"""Gauges whose values come from the database. Each process refreshes its own at intervals.

    Periodic(SprayWatch(networks).look, name="spray_watch", seconds=60)

A scrape of /metrics never queries the database, so it responds at once even while the database is down.
"""

from focys.features.watching.addresses import AddressWatch
from focys.features.watching.service import Watch
from focys.features.watching.spraying import SprayWatch

__all__ = ["AddressWatch", "SprayWatch", "Watch"]
