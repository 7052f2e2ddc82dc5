"""The table of backup codes."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, Uuid

from focys.infra.db.database import UtcTime, metadata

backup_codes = Table(
    "backup_codes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("code_hash", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("spent_at", UtcTime),
    # The set a code belongs to, until its owner acknowledges that the set is saved.
    Column("unsaved_set", Uuid),
    Index("ix_backup_codes_user_id", "user_id"),
)
