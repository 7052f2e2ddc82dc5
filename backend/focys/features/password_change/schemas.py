"""Requests and responses about a new password."""

from pydantic import BaseModel

from focys.infra.web.requests import Password, Request


class NewPassword(Request):
    """The password that the account has now, and the one it is to have."""

    current_password: Password
    new_password: Password


class TypedPassword(Request):
    """A new password, perhaps not yet complete."""

    new_password: Password


class Judgment(BaseModel):
    """Why the new password would be refused, as a sentence; null if it is strong enough."""

    weakness: str | None
