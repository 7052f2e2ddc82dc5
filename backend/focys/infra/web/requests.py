"""The base of every request body: no unknown fields, no type coercion, and no values in error messages."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from focys.domain import passwords
from focys.domain.plain_text import is_plain


class Request(BaseModel):
    """A strict request body."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Nothing(Request):
    """An empty body."""


def _plain_text(text: str) -> str:
    if not is_plain(text):
        raise ValueError("This contains a character that is not allowed.")
    return text


def _bounded(text: str) -> str:
    if passwords.is_oversized(text):
        raise ValueError("This is too long.")
    return text


Text = Annotated[str, AfterValidator(_plain_text)]
Password = Annotated[Text, Field(min_length=1), AfterValidator(_bounded)]
