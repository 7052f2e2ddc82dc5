"""What only the database knows, for /metrics: read every fifteen seconds, by each process for itself.

    tasks.append(asyncio.create_task(Watch(outbox, bypasses, readiness.failing).run()))

and, once an hour, whether all people seem to come from one address:

    tasks.append(asyncio.create_task(AddressWatch(sessions, settings.trusted_proxies).run()))

and, once a minute, whether a few passwords are tried on many accounts:

    tasks.append(asyncio.create_task(SprayWatch(networks).run()))

A scrape asks the database nothing, so it answers at once also while the database does not.
"""

from focys.features.watching.addresses import AddressWatch
from focys.features.watching.service import Watch
from focys.features.watching.spraying import SprayWatch

__all__ = ["AddressWatch", "SprayWatch", "Watch"]
