"""Spells, checks and mails codes."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from focys.domain import email_codes
from focys.features.outbox import Waiting, letter_for
from focys.infra.crypto.keys import KeyRing, Purpose
from focys.infra.db.database import Change
from focys.infra.mail.mailer import Letter

KIND = "email_code"


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
    """The mailed codes of one service."""

    def __init__(self, keys: KeyRing, *, app_name: str, life: timedelta) -> None:
        self._keys, self._app_name, self.life = keys, app_name, life

    def is_right(self, issue: CodeIssue, code: str) -> bool:
        """Tell whether *code*, normalized, is the one that was emailed."""
        expected = email_codes.normalise(self._spell(issue), long=issue.long)
        return hmac.compare_digest(expected or "", code)

    def mailed(self, user_id: UUID, issue: CodeIssue, network: str, now: datetime) -> Change:
        """Return the row that mails a code once the login it belongs to is committed."""
        about = {
            "login": str(issue.login_id),
            "issue": issue.number,
            "long": issue.long,
            "expires": issue.expires_at.isoformat(),
            "source": network,
        }
        return letter_for(user_id, KIND, about, now)

    def compose(self, waiting: Waiting) -> Letter | None:
        """Write the letter, unless its code is no longer of use."""
        expires = datetime.fromisoformat(waiting.about["expires"])
        left = expires - waiting.now
        if left <= timedelta(0):
            return None
        about = waiting.about
        code = self._spell(CodeIssue(UUID(about["login"]), about["issue"], about["long"], expires))
        minutes = max(1, round(left.total_seconds() / 60))
        validity = f"{minutes} minute{'s' if minutes > 1 else ''}"
        return Letter(
            subject=f"{code} is your {self._app_name} code",
            paragraphs=(
                f"Enter this code to go on setting up your sign-in. It is valid for {validity}.",
                f"The sign-in began at {waiting.now:%H:%M} UTC from the network {waiting.about['source']}.",
                "If that was not you, somebody knows your password: keep the code to yourself and change the password.",
            ),
            console=f"E-mail code for {waiting.address}: {code} (valid {validity})",
            code=code,
        )

    def _spell(self, issue: CodeIssue) -> str:
        message = f"{issue.login_id}|{issue.number}|{issue.long}"
        return email_codes.spell(self._keys.mac(Purpose.EMAIL_CODES, message), long=issue.long)
