"""The table of rate limit counters."""

from sqlalchemy import Column, Integer, String, Table

from focys.infra.db.database import UtcTime, metadata

throttles = Table(
    "throttles",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("hits", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
)
