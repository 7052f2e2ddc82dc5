"""Kinds of email: what each one says is decided when it is sent, from the details stored when it was queued."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from focys.features.outbox.models import outbox
from focys.infra.db.database import Change
from focys.infra.mail.kinds import Details, MailContext
from focys.infra.mail.mailer import Message
from focys.infra.web.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification about an account: a subject, and a paragraph for each thing to say.

    LOCKED = Notice("totp_locked", "Your account is locked for a while", lambda details: (…, …))
    await database.write(…, LOCKED.queue(user_id, seen(visitor, now), now))
    """

    kind: str
    subject: str
    paragraphs: Callable[[Details], Sequence[str]]

    def queue(self, user_id: UUID, details: Details, now: datetime) -> Change:
        """Return the row that sends the notice once the rest of the write is committed."""
        return queued(self.kind, user_id, details, now)

    def render(self, context: MailContext) -> Message:
        """Return the message."""
        return Message(
            subject=f"{self.subject} · {context.app_name}",
            paragraphs=tuple(self.paragraphs(context.details)),
            console=f"Notice for {context.to}: {self.subject}",
        )


def queued(kind: str, user_id: UUID, details: Details, now: datetime) -> Change:
    """Return the outbox row of an email."""
    row = {"id": uuid4(), "user_id": user_id, "kind": kind, "about": dict(details)}
    return Change(outbox, {**row, "created_at": now, "due_at": now, "tries": 0})


def minute(moment: datetime) -> str:
    """Return a time as emails show it; they add that it is UTC."""
    return f"{moment:%Y-%m-%d %H:%M}"


def seen(visitor: Visitor, now: datetime) -> dict[str, str]:
    """Return the details of something a visitor did: when, and from which address."""
    return {"at": minute(now), "source": visitor.address}


def when_and_where(details: Details) -> str:
    """Return the details of ``seen`` in words."""
    return f"{details['at']} UTC, from {details['source']}"
