"""The table of known browsers."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, UniqueConstraint, Uuid

from focys.infra.db.database import UtcTime, metadata

browsers = Table(
    "browsers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False, index=True),
    Column("epoch", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("trusted_until", UtcTime),
    UniqueConstraint("user_id", "token_hash", name="uq_browsers_user_id_token_hash"),
)
