"""The table of second-factor failures."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Uuid, false

from focys.infra.db.database import UtcTime, metadata

second_factor_failures = Table(
    "second_factor_failures",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # Null for unknown browsers, which share one bucket.
    Column("browser_id", Uuid, ForeignKey("browsers.id", ondelete="CASCADE")),
    Column("login_id", Uuid),
    Column("at", UtcTime, nullable=False),
    # A strong proof that failed while single codes were not accepted; it does not count toward locks.
    Column("strong", Boolean, nullable=False, server_default=false()),
    Column("network", String(64)),
    Index("ix_second_factor_failures_user_id_at", "user_id", "at"),
)
