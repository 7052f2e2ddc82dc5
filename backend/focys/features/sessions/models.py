"""The table of sessions, and the shapes read from it and written to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Uuid

from focys.infra.db.database import UtcTime, metadata

Role = Literal["user", "admin"]

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
    # When the owner last confirmed that it is them, and how, as a value of ``amr``.
    Column("stepped_up_at", UtcTime),
    Column("stepped_up_by", String(20)),
    # Set if the second factor was bypassed; the session ends with the bypass.
    Column("bypass_id", Uuid),
    Index("ix_sessions_user_id_created_at", "user_id", "created_at"),
)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to insert."""

    id: UUID
    user_id: UUID
    epoch: int
    refresh_seed: bytes
    amr: tuple[str, ...]
    address: str
    agent: str
    opened_at: datetime
    expires_at: datetime
    bypass_id: UUID | None


@dataclass(frozen=True, slots=True)
class Terms:
    """The fields that decide how long a session may last."""

    role: Role
    amr: tuple[str, ...]
    last_used_at: datetime
    expires_at: datetime
    bypass_id: UUID | None


@dataclass(frozen=True, slots=True)
class LiveSession(Terms):
    """A session that was not ended, with the current data of its user."""

    session_id: UUID
    user_id: UUID
    email: str
    display_name: str
    mfa_enabled: bool
    backup_codes_left: int
    backup_codes_unsaved: UUID | None
    epoch: int
    auth_time: datetime
    stepped_up_at: datetime | None
    stepped_up_by: str | None
    rotated_at: datetime
    refresh_seed: bytes
    refresh_generation: int


@dataclass(frozen=True, slots=True)
class KeptSession(Terms):
    """A session in a list, ended or not."""

    id: UUID
    address: str
    agent: str
    created_at: datetime
    is_live: bool
