"""The table of users."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, SmallInteger, String, Table, Text, Uuid

from focys.infra.db.database import UtcTime, metadata

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("display_name", String(100), nullable=False),
    Column("role", String(10), nullable=False, server_default="user"),
    Column("disabled_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("totp_secret", Text),
    Column("mfa_enabled", Boolean, nullable=False, server_default="false"),
    Column("totp_last_step", BigInteger),
    Column("totp_offset", SmallInteger),
    # attempt_seq is raised by every change that affects an attempt, charge_seq by every charge of an attempt.
    Column("attempt_seq", BigInteger, nullable=False, server_default="0"),
    Column("charge_seq", BigInteger, nullable=False, server_default="0"),
    Column("credential_epoch", Integer, nullable=False, server_default="0"),
    Column("password_changed_at", UtcTime),
    # Set by a reset: the next enrollment needs this ticket.
    Column("ticket_mac", LargeBinary(32)),
    Column("ticket_expires_at", UtcTime),
)
