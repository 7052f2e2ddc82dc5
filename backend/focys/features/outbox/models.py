"""The table of queued emails."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Uuid

from focys.infra.db.database import UtcTime, metadata

RECIPIENT = "to"
"""The detail that names a recipient other than the account's current address."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("about", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done_at", UtcTime),
    Index("ix_outbox_due_at", "done_at", "due_at"),
    Index("ix_outbox_user_id_kind", "user_id", "kind", "created_at"),
)
