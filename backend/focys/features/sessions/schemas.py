"""What crosses the wire about a signed-in person."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from focys.features.sessions.models import Role


class Nothing(BaseModel):
    """An empty body."""

    model_config = ConfigDict(extra="forbid")


class User(BaseModel):
    """Who is signed in."""

    id: UUID
    email: str
    display_name: str
    role: Role
    mfa_enabled: bool
    backup_codes_left: int = 0


class Tokens(BaseModel):
    """An access token (the refresh token is a cookie) and whose it is."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  the word of RFC 6750
    expires_in: int
    user: User


class Me(User):
    """Who is signed in, how, and until when."""

    factors: list[Literal["totp", "backup_codes"]]
    amr: list[str]
    auth_time: AwareDatetime
    session_expires_at: AwareDatetime


class SignedIn(Tokens):
    """A completed login, with what its owner is shown once, or is told of the factor that was used."""

    step: Literal["done"] = "done"
    backup_codes: list[str] | None = None
    backup_codes_left: int | None = None
