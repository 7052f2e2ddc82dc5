"""Kinds of email. Each is rendered when it is sent, from the details stored when it was queued."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from focys.features.outbox.models import RECIPIENT, outbox
from focys.infra.db.database import Change
from focys.infra.mail.kinds import Details, MailContext
from focys.infra.mail.mailer import Message
from focys.infra.web.caller import Caller


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification about an account: its subject and its paragraphs.

    LOCKED = Notice("totp_locked", "Your account is locked for a while", lambda details: (…, …))
    await database.write(…, LOCKED.queue(user_id, seen(caller, now), now))
    """

    kind: str
    subject: str
    paragraphs: Callable[[Details], Sequence[str]]

    def queue(self, user_id: UUID, details: Details, now: datetime, *, to: str | None = None) -> Change:
        """Return the change that queues the notice; write it together with what it reports.

        It goes to the address that the account has when it is sent, or to *to*.
        """
        return queued(self.kind, user_id, {**details, RECIPIENT: to} if to else details, now)

    def render(self, context: MailContext) -> Message:
        """Return the message to send."""
        return Message(
            subject=f"{self.subject} · {context.app_name}",
            paragraphs=tuple(self.paragraphs(context.details)),
            console=f"Notice for {context.to}: {self.subject}",
        )


def queued(kind: str, user_id: UUID, details: Details, now: datetime) -> Change:
    """Return the change that queues an email of this kind."""
    row = {"id": uuid4(), "user_id": user_id, "kind": kind, "about": dict(details)}
    return Change(outbox, {**row, "created_at": now, "due_at": now, "tries": 0})


def minute(moment: datetime) -> str:
    """Return a time to the minute, as shown in emails (the text adds "UTC")."""
    return f"{moment:%Y-%m-%d %H:%M}"


def seen(caller: Caller, now: datetime) -> dict[str, str]:
    """Return the details of a caller's action: ``at`` is the time, ``source`` the address."""
    return {"at": minute(now), "source": caller.address}


def when_and_where(details: Details) -> str:
    """Return the details from ``seen`` as text."""
    return f"{details['at']} UTC, from {details['source']}"
