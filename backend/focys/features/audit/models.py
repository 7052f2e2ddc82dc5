"""The table of audit events."""

from sqlalchemy import Column, Index, String, Table, Text, Uuid

from focys.infra.db.database import UtcTime, metadata

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("event", String(40), nullable=False),
    Column("outcome", String(10), nullable=False),
    # No foreign key: events outlive the account.
    Column("user_id", Uuid),
    Column("reason", String(40)),
    Column("source", String(64), nullable=False),
    Column("request_id", String(40), nullable=False),
    Column("detail", Text),
    Index("ix_audit_events_user_id_at", "user_id", "at"),
)
