"""The table of logins in progress."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Uuid

from focys.infra.db.database import UtcTime, metadata

pending_logins = Table(
    "pending_logins",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("handle_hash", LargeBinary(32), nullable=False, unique=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("step", String(20), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("consumed_at", UtcTime),
    # For the step email_code: the code's issue number, form and times. For email_code and enroll: the tries.
    Column("code_issue", Integer, nullable=False),
    Column("code_long", Boolean, nullable=False),
    Column("code_tries", Integer, nullable=False),
    Column("code_sent_at", UtcTime),
    Column("code_expires_at", UtcTime),
    # The login whose emailed code this one shares; null if it has its own.
    Column("code_source", Uuid),
    Index("ix_pending_logins_user_id_created_at", "user_id", "created_at"),
)
