"""The table of bypasses."""

from sqlalchemy import Column, ForeignKey, String, Table, Uuid

from focys.infra.db.database import UtcTime, metadata

mfa_bypasses = Table(
    "mfa_bypasses",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Null: for everybody but administrators.
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE")),
    Column("reason", String(200), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("begins_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    # Set if it was ended early; otherwise it expires at ``ends_at``.
    Column("ended_at", UtcTime),
)
