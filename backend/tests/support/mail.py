"""A mailer that keeps what it is given."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from focys.infra.mail.mailer import Message


@dataclass
class KeptMail:
    """Every letter sent, oldest first, as (address, letter)."""

    letters: list[tuple[str, Message]] = field(default_factory=list)

    async def send(self, to: str, letter: Message, now: datetime, key: UUID | None = None) -> None:
        self.letters.append((to, letter))

    def last_code(self, address: str) -> str:
        """The code of the newest letter to *address* that has one."""
        return next(letter.code for to, letter in reversed(self.letters) if to == address and letter.code)

    def subjects(self, address: str) -> list[str]:
        return [letter.subject for to, letter in self.letters if to == address]


def code_in(line: str) -> str:
    """The code of a console line."""
    found = re.search(r"Email code for \S+: (\S+) \(valid", line)
    assert found is not None
    return found.group(1)
