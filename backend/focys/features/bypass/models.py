"""The table of bypasses."""

from sqlalchemy import Column, ForeignKey, String, Table, Uuid

from focys.infra.db.database import UtcTime, metadata

mfa_bypasses = Table(
    "mfa_bypasses",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Empty: everybody but administrators.
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE")),
    Column("reason", String(200), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("begins_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    # By hand; else it is over at ``ends_at``, with nobody doing anything.
    Column("ended_at", UtcTime),
)
