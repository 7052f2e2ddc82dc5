"""The table of signed-in browsers."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Uuid

from focys.infra.database import UtcTime, metadata

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("refresh_seed", LargeBinary(32), nullable=False),
    Column("refresh_generation", Integer, nullable=False),
    Column("rotated_at", UtcTime, nullable=False),
    Column("amr", String(60), nullable=False),
    Column("auth_time", UtcTime, nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", String(200), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    # Set where the second step was bypassed; the session is over with the bypass.
    Column("bypass_id", Uuid),
    Index("ix_sessions_user_id_created_at", "user_id", "created_at"),
)
