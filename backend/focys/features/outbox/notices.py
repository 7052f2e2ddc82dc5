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

    A last paragraph says whom to contact in which ``case``, and names the ``remedy``, which only an administrator can
    give.
    """

    kind: str
    subject: str
    paragraphs: Callable[[Details], Sequence[str]]
    case: str = ""
    remedy: str = ""

    def queue(self, user_id: UUID, details: Details, now: datetime, *, to: str | None = None) -> Change:
        """Return the change that queues the notice; write it together with what it reports.

        It goes to the address that the account has when it is sent, or to *to*.
        """
        return queued(self.kind, user_id, {**details, RECIPIENT: to} if to else details, now)

    def render(self, context: MailContext) -> Message:
        """Return the message to send."""
        return Message(
            subject=f"{self.subject} · {context.app_name}",
            paragraphs=(*self.paragraphs(context.details), *self._advice(context.support)),
            console=f"Notice for {context.to}: {self.subject}",
        )

    def _advice(self, support: str) -> list[str]:
        """Return what to do in the case, without asking for what the reader cannot do."""
        if not self.case:
            return []
        needed = f"you need {self.remedy}"
        if support:
            return [f"{self.case}, contact {support}{f': {needed}' if self.remedy else ''}."]
        return [f"{self.case}, {needed}. Only an administrator can arrange that."] if self.remedy else []


NOT_YOU = "If that was not you"


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
