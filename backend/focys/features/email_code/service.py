"""Spells, checks and mails codes."""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from focys.domain import email_codes
from focys.features.email_code.repository import EmailFailures
from focys.features.outbox import Waiting, letter_for
from focys.infra.database import Change, Database
from focys.infra.keys import KeyRing, Purpose
from focys.infra.mailer import Letter

KIND = "email_code"


class EmailCodes:
    """The mailed codes of one service."""

    def __init__(self, database: Database, keys: KeyRing, *, app_name: str, life: timedelta) -> None:
        self._failures = EmailFailures(database)
        self._keys, self._app_name, self.life = keys, app_name, life

    async def is_long(self, user_id: UUID, now: datetime) -> bool:
        """Tell whether the user's next code has sixteen characters."""
        return email_codes.is_long(await self._failures.list_recent(user_id, now), now)

    def is_right(self, login_id: UUID, issue: int, code: str, *, long: bool) -> bool:
        """Tell whether *code*, normalised, is the one mailed for this login and issue number."""
        expected = email_codes.normalise(self._spell(login_id, issue, long=long), long=long)
        return hmac.compare_digest(expected or "", code)

    def mailed(
        self,
        user_id: UUID,
        login_id: UUID,
        issue: int,
        *,
        long: bool,
        expires_at: datetime,
        source: str,
        now: datetime,
    ) -> Change:
        """Return the row that mails a code once the login it belongs to is committed."""
        about = {
            "login": str(login_id),
            "issue": issue,
            "long": long,
            "expires": expires_at.isoformat(),
            "source": source,
        }
        return letter_for(user_id, KIND, about, now)

    def compose(self, waiting: Waiting) -> Letter | None:
        """Write the letter, unless its code is no longer of use."""
        expires = datetime.fromisoformat(waiting.about["expires"])
        left = expires - waiting.now
        if left <= timedelta(0):
            return None
        code = self._spell(UUID(waiting.about["login"]), waiting.about["issue"], long=waiting.about["long"])
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

    def _spell(self, login_id: UUID, issue: int, *, long: bool) -> str:
        return email_codes.spell(self._keys.mac(Purpose.EMAIL_CODES, f"{login_id}|{issue}|{long}"), long=long)
