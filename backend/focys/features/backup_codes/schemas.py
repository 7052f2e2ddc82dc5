"""Requests and responses about backup codes."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from focys.domain import crockford
from focys.infra.web.requests import Password, Request


def _backup_code(text: str) -> str:
    code = crockford.normalize(text)
    if code is None:
        raise ValueError("A backup code has 16 characters.")
    return code


class BackupCodeEntry(Request):
    """One backup code."""

    code: Annotated[str, Field(max_length=64), AfterValidator(_backup_code)]


class BackupCodeAndPassword(BackupCodeEntry):
    """One backup code, and the password, to step up without the app."""

    password: Password


class ShownSet(Request):
    """The set of backup codes that a page is about, as in ``backup_codes_unsaved``."""

    set: Annotated[UUID, Field(strict=False)]


class UnsavedSet(BaseModel):
    """The set that is still not acknowledged as saved, if any."""

    backup_codes_unsaved: UUID | None


class NewBackupCodes(BaseModel):
    """A new set, shown once, and its id until it is acknowledged."""

    backup_codes: list[str]
    backup_codes_unsaved: UUID
