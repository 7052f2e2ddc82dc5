"""Requests and responses of the login. Requests are strict: no unknown fields, no type coercion, plain text only."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from focys.features.accounts import canonical_address
from focys.infra.web.branding import Branding
from focys.infra.web.requests import Password, Request, Text

Address = Annotated[Text, Field(max_length=320), AfterValidator(canonical_address)]


class Credentials(Request):
    """Email and password."""

    email: Address
    password: Password


class CurrentPassword(Request):
    """The password that the account has now."""

    password: Password


class MailedCode(Request):
    """The emailed code: six digits, or 16 characters.

    If the login's ``needs_ticket`` is true, also the ticket that an operator handed over.
    """

    code: Annotated[Text, Field(min_length=1, max_length=64)]
    ticket: Annotated[Text, Field(max_length=64)] | None = None


class LoginState(BaseModel):
    """The current step of a login, and what its page needs.

    ``next_pause`` is how many seconds single codes are refused once no try is left; null if guarded mode follows, or if
    it does not apply.
    """

    step: Literal["email_code", "enroll", "totp"]
    email: str
    expires_at: AwareDatetime
    expires_in: int
    code_length: Literal[6, 16] | None = None
    resend_after: int | None = None
    sender: str | None = None
    needs_ticket: bool = False
    factors: list[str] = []
    guarded: bool = False
    tries_left: int | None = None
    next_pause: int | None = None
    retry_after: int | None = None


class Status(BaseModel):
    """What a page needs to know first."""

    app_name: str
    branding: Branding
    signed_in: bool
    login: LoginState | None


class Resent(BaseModel):
    """The email was queued; ``resend_after`` is in seconds."""

    resend_after: int
