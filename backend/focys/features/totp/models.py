"""The table of secrets that are not confirmed yet."""

from sqlalchemy import Column, ForeignKey, Table, Text, Uuid

from focys.infra.db.database import UtcTime, metadata

totp_setups = Table(
    "totp_setups",
    metadata,
    # Each login shows its own secret; another person with the password and the mailbox gets a different one.
    Column("login_id", Uuid, ForeignKey("pending_logins.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("secret", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

# The version before this one may still be serving with it; a later release drops it.
Table(
    "totp_enrolments",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)
