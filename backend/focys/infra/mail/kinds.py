"""What every kind of email is: a name in the outbox, and a text made when it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from focys.infra.mail.mailer import Message

Details = Mapping[str, Any]
"""What an email is about, as stored: strings and numbers, never a secret."""


@dataclass(frozen=True, slots=True)
class MailContext:
    """What rendering an email needs: the service's name, the recipient, what it is about, and the time."""

    app_name: str
    to: str
    details: Details
    now: datetime


class MailKind(Protocol):
    """A kind of email; ``kind`` is its name in the outbox table and never changes."""

    @property
    def kind(self) -> str: ...

    def render(self, context: MailContext) -> Message | None:
        """Return the message, or None if it would come too late to be of use."""
        ...
