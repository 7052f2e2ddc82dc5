"""Requests and responses for authenticator apps."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, model_validator

from focys.domain import totp
from focys.infra.web.requests import Request


def _six_digits(text: str) -> str:
    code = totp.normalize(text)
    if code is None:
        raise ValueError("A code has six digits.")
    return code


TotpCode = Annotated[str, Field(max_length=64), AfterValidator(_six_digits)]


class EnrollRequest(Request):
    """``restart`` replaces the pending secret with a new one."""

    restart: bool = False


class FirstCode(Request):
    """The first code of a new authenticator."""

    code: TotpCode


class TotpCodes(Request):
    """One code, or two consecutive ones, older first."""

    code: TotpCode | None = None
    codes: Annotated[list[TotpCode], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "TotpCodes":
        if (self.code is None) == (self.codes is None):
            raise ValueError("Send either code or codes.")
        return self

    @property
    def in_order(self) -> tuple[str, ...]:
        """The one or two codes, older first."""
        return (self.code,) if self.code is not None else tuple(self.codes or ())


class Enrollment(BaseModel):
    """An authenticator to set up, as a QR code and as a key."""

    secret: str
    provisioning_uri: str
    qr_code: str
    issuer: str
    account: str
    expires_at: AwareDatetime
    expires_in: int
