"""The table of secrets that are not confirmed yet."""

from sqlalchemy import Column, ForeignKey, Table, Text, Uuid

from focys.infra.database import UtcTime, metadata

totp_enrolments = Table(
    "totp_enrolments",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)
