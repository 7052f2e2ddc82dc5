"""The table of failed second factors."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Uuid, false

from focys.infra.db.database import UtcTime, metadata

second_factor_failures = Table(
    "second_factor_failures",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # Empty for strangers, who share one bucket.
    Column("browser_id", Uuid, ForeignKey("browsers.id", ondelete="CASCADE")),
    Column("login_id", Uuid),
    Column("at", UtcTime, nullable=False),
    # A strong proof that failed while single codes were refused; it does not count toward the locks.
    Column("strong", Boolean, nullable=False, server_default=false()),
    Column("network", String(64)),
    Index("ix_second_factor_failures_user_id_at", "user_id", "at"),
)
