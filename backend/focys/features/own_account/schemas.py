"""Responses about one's own account."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel


class OwnSession(BaseModel):
    """A browser that is signed in. ``device`` is what it says about itself; ``amr`` is how it signed in."""

    id: UUID
    device: str
    address: str
    created_at: AwareDatetime
    last_used_at: AwareDatetime
    amr: list[str]
    is_current: bool


class OwnSessions(BaseModel):
    """Where the user is signed in, newest first."""

    sessions: list[OwnSession]


class OwnEvent(BaseModel):
    """Something that happened to the account. ``network`` is null for what an operator did on the server."""

    id: UUID
    at: AwareDatetime
    what: str
    outcome: Literal["ok", "refused"]
    network: str | None


class OwnActivity(BaseModel):
    """A page of events, newest first; ``before`` asks for the next page, and is null on the last one."""

    events: list[OwnEvent]
    before: UUID | None
