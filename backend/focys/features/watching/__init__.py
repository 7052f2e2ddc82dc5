"""What only the database knows, for /metrics: read every fifteen seconds, by each process for itself.

    tasks.append(asyncio.create_task(Watch(outbox, bypasses).run()))

A scrape asks the database nothing, so it answers at once also while the database does not.
"""

from focys.features.watching.service import Watch

__all__ = ["Watch"]
