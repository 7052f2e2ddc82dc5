"""The table of wrong entries of emailed codes."""

from sqlalchemy import Column, ForeignKey, Index, Table, Uuid

from focys.infra.db.database import UtcTime, metadata

email_code_failures = Table(
    "email_code_failures",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Index("ix_email_code_failures_user_id_at", "user_id", "at"),
)
