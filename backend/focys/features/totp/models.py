"""The table of unconfirmed secrets."""

from sqlalchemy import Column, ForeignKey, Table, Text, Uuid

from focys.infra.db.database import UtcTime, metadata

totp_setups = Table(
    "totp_setups",
    metadata,
    # Each login has its own secret, so an attacker with the password and the mailbox sees a different one.
    Column("login_id", Uuid, ForeignKey("pending_logins.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("secret", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

# During an upgrade, the previous version still uses it; a later release drops it.
Table(
    "totp_enrolments",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)
