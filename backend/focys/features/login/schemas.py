"""What crosses the wire during a login. Requests are strict: no unknown fields, no other types, no odd characters."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from focys.domain import crockford, passwords, totp
from focys.domain.plain_text import is_plain
from focys.features.accounts import canonical_address
from focys.features.sessions import TokensReply


def _plain_text(text: str) -> str:
    if not is_plain(text):
        raise ValueError("This holds a character that cannot be used.")
    return text


def _bounded_password(text: str) -> str:
    if passwords.is_oversized(text):
        raise ValueError("This is too long.")
    return text


def _six_digits(text: str) -> str:
    code = totp.normalise(text)
    if code is None:
        raise ValueError("A code has six digits.")
    return code


def _backup_code(text: str) -> str:
    code = crockford.normalise(text)
    if code is None:
        raise ValueError("A backup code has sixteen letters and digits.")
    return code


Text = Annotated[str, AfterValidator(_plain_text)]
Address = Annotated[str, Field(max_length=320), AfterValidator(_plain_text), AfterValidator(canonical_address)]
Password = Annotated[Text, Field(min_length=1), AfterValidator(_bounded_password)]
TotpCode = Annotated[str, Field(max_length=64), AfterValidator(_six_digits)]
BackupCode = Annotated[str, Field(max_length=64), AfterValidator(_backup_code)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Nothing(_Request):
    """An empty body."""


class Credentials(_Request):
    """The first step."""

    email: Address
    password: Password


class MailedCode(_Request):
    """The code from the mail: six digits, or sixteen letters and digits."""

    code: Annotated[Text, Field(min_length=1, max_length=64)]


class EnrolRequest(_Request):
    """``restart`` throws the pending secret away for a new one."""

    restart: bool = False


class FirstCode(_Request):
    """The first code of a new authenticator."""

    code: TotpCode


class TotpCodes(_Request):
    """One code, or in guarded mode two in a row, the older first."""

    code: TotpCode | None = None
    codes: Annotated[list[TotpCode], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "TotpCodes":
        if (self.code is None) == (self.codes is None):
            raise ValueError("Send code, or codes.")
        return self

    @property
    def in_order(self) -> tuple[str, ...]:
        """The one or two codes."""
        return (self.code,) if self.code is not None else tuple(self.codes or ())


class BackupCodeEntry(_Request):
    """One backup code."""

    code: BackupCode


class LoginState(BaseModel):
    """Where a login stands and what the page for that step needs."""

    step: Literal["email_code", "enroll", "totp"]
    email: str
    expires_at: AwareDatetime
    expires_in: int
    code_length: Literal[6, 16] | None = None
    resend_after: int | None = None
    sender: str | None = None
    guarded: bool = False
    tries_left: int | None = None
    retry_after: int | None = None


class Status(BaseModel):
    """What a page needs to know first."""

    app_name: str
    signed_in: bool
    login: LoginState | None


class Resent(BaseModel):
    """The mail is on its way."""

    resend_after: int


class Enrolment(BaseModel):
    """A pending authenticator, as QR code and as key."""

    secret: str
    provisioning_uri: str
    qr_code: str
    issuer: str
    account: str
    expires_at: AwareDatetime
    expires_in: int


class Done(TokensReply):
    """A completed login."""

    step: Literal["done"] = "done"
    backup_codes: list[str] | None = None
    backup_codes_left: int | None = None
