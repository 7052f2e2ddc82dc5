"""Requests for backup codes."""

from typing import Annotated

from pydantic import AfterValidator, Field

from focys.domain import crockford
from focys.infra.web.requests import Request


def _backup_code(text: str) -> str:
    code = crockford.normalize(text)
    if code is None:
        raise ValueError("A backup code has sixteen letters and digits.")
    return code


class BackupCodeEntry(Request):
    """One backup code."""

    code: Annotated[str, Field(max_length=64), AfterValidator(_backup_code)]
