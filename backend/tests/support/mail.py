"""A mailer that keeps what it is given."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from focys.infra.mail.mailer import Message


@dataclass
class KeptMail:
    """Every email sent, oldest first, as (address, email)."""

    emails: list[tuple[str, Message]] = field(default_factory=list)

    async def send(self, to: str, email: Message, now: datetime, key: UUID | None = None) -> None:
        self.emails.append((to, email))

    def last_code(self, address: str) -> str:
        """The code of the newest email to *address* that has one."""
        return next(email.code for to, email in reversed(self.emails) if to == address and email.code)

    def subjects(self, address: str) -> list[str]:
        return [email.subject for to, email in self.emails if to == address]


def code_in(line: str) -> str:
    """The code of a console line."""
    found = re.search(r"Email code for \S+: (\S+) \(valid", line)
    assert found is not None
    return found.group(1)
