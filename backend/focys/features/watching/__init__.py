"""Values for /metrics that only the database knows. Each process reads them at intervals, for itself.

    Periodic(SprayWatch(networks).look, name="spray_watch", seconds=60)

A scrape asks the database nothing, so it answers at once also while the database does not.
"""

from focys.features.watching.addresses import AddressWatch
from focys.features.watching.service import Watch
from focys.features.watching.spraying import SprayWatch

__all__ = ["AddressWatch", "SprayWatch", "Watch"]
