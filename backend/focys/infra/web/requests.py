"""The base of every request body: no unknown fields, no type coercion, and values never appear in a message."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from focys.domain.plain_text import is_plain


class Request(BaseModel):
    """A strict request body."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


def _plain_text(text: str) -> str:
    if not is_plain(text):
        raise ValueError("This holds a character that cannot be used.")
    return text


Text = Annotated[str, AfterValidator(_plain_text)]
