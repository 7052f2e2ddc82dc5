"""Derives, checks and emails codes."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from focys.domain import email_codes
from focys.features.outbox import MailContext, queued
from focys.infra.crypto.keys import KeyRing, Purpose
from focys.infra.db.database import Change
from focys.infra.mail.mailer import Message


@dataclass(frozen=True, slots=True)
class CodeIssue:
    """Which code was emailed.

    Attributes:
        login_id: the login it was emailed for; others may share it.
        number: how many codes were emailed for that login, including this one.
        long: whether it has sixteen characters instead of six digits.
        expires_at: when it stops working.
    """

    login_id: UUID
    number: int
    long: bool
    expires_at: datetime


class EmailCodes:
    """The emailed codes, and the kind of email that contains them."""

    kind = "email_code"

    def __init__(self, keys: KeyRing, *, life: timedelta) -> None:
        self._keys, self.life = keys, life

    def is_right(self, issue: CodeIssue, code: str) -> bool:
        """Return whether *code* (normalized) is the one that was emailed."""
        expected = email_codes.normalize(self._spell(issue), long=issue.long)
        return hmac.compare_digest(expected or "", code)

    def mailed(self, user_id: UUID, issue: CodeIssue, network: str, now: datetime) -> Change:
        """Return the change that queues the email with a code; write it together with the login."""
        details = {
            "login": str(issue.login_id),
            "issue": issue.number,
            "long": issue.long,
            "expires": issue.expires_at.isoformat(),
            "source": network,
        }
        return queued(self.kind, user_id, details, now)

    def render(self, context: MailContext) -> Message | None:
        """Return the message, unless its code no longer works."""
        details = context.details
        expires = datetime.fromisoformat(details["expires"])
        left = expires - context.now
        if left <= timedelta(0):
            return None
        code = self._spell(CodeIssue(UUID(details["login"]), details["issue"], details["long"], expires))
        minutes = max(1, round(left.total_seconds() / 60))
        validity = f"{minutes} minute{'s' if minutes > 1 else ''}"
        return Message(
            subject=f"{code} is your {context.app_name} code",
            paragraphs=(
                f"This is your {context.app_name} sign-in code. It is valid for {validity}.",
                f"The sign-in started at {context.now:%H:%M} UTC from the network {details['source']}.",
                f"If that was not you, someone knows your password: {_advice(context.support)}.",
            ),
            console=f"Email code for {context.to}: {code} (valid {validity})",
            code=code,
        )

    def _spell(self, issue: CodeIssue) -> str:
        message = f"{issue.login_id}|{issue.number}|{issue.long}"
        return email_codes.spell(self._keys.mac(Purpose.EMAIL_CODES, message), long=issue.long)


def _advice(support: str) -> str:
    keep = "keep the code to yourself"
    return f"{keep}, and contact {support} for a new password" if support else keep
