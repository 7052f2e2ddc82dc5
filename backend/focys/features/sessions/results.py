"""What the session service returns."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from focys.features.sessions.models import LiveSession
from focys.infra.db.database import Change


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session: the changes to commit together with the proof, and the tokens for the browser."""

    changes: tuple[Change, ...]
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_seconds: int


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A refreshed session, and its tokens."""

    session: LiveSession
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_seconds: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A session as an operator sees it."""

    address: str
    agent: str
    created_at: datetime
    last_used_at: datetime
    state: Literal["live", "expired", "ended"]
