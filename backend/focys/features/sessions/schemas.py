"""Responses about a signed-in user."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from focys.features.sessions.models import Role


class User(BaseModel):
    """Who is signed in.

    ``backup_codes_unsaved`` is the id of the set of backup codes, until the user acknowledges that they are saved.
    """

    id: UUID
    email: str
    display_name: str
    role: Role
    mfa_enabled: bool
    backup_codes_left: int = 0
    backup_codes_unsaved: UUID | None = None


class Tokens(BaseModel):
    """An access token and its user; the refresh token is a cookie."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  the token type of RFC 6750
    expires_in: int
    user: User


class SteppedUp(Tokens):
    """The tokens of a session that counts as recently verified until then; the refresh token was replaced."""

    verified_until: AwareDatetime


class Me(User):
    """Who is signed in, how, and until when.

    ``mfa_required`` says whether everyone needs a second factor; ``verified_until`` is null unless the session was
    verified recently.
    """

    mfa_required: bool
    factors: list[Literal["totp", "backup_codes"]]
    amr: list[str]
    auth_time: AwareDatetime
    session_expires_at: AwareDatetime
    verified_until: AwareDatetime | None


class FactorReplaced(BaseModel):
    """A new factor is set up. ``backup_codes`` is a new set, shown once, if the user had no factor before."""

    user: User
    backup_codes: list[str] | None = None


class SignedIn(Tokens):
    """A completed login. ``backup_codes`` is a new set, shown once."""

    step: Literal["done"] = "done"
    backup_codes: list[str] | None = None
    backup_codes_left: int | None = None
