"""The interface of every kind of email: a name in the outbox, and a text rendered when the email is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from focys.infra.mail.mailer import Message

Details = Mapping[str, Any]
"""The values an email is rendered from, as stored in the outbox: strings and numbers, never a secret."""


@dataclass(frozen=True, slots=True)
class MailContext:
    """What rendering an email requires: the service's name, the recipient, the details and the time.

    ``support`` is where people get help: an email address or a URL; empty if the operator has not set it.
    """

    app_name: str
    support: str
    to: str
    details: Details
    now: datetime


class MailKind(Protocol):
    """A kind of email; ``kind`` is its name in the outbox table and never changes."""

    @property
    def kind(self) -> str: ...

    def render(self, context: MailContext) -> Message | None:
        """Return the message, or None if it would arrive too late to be useful."""
        ...
