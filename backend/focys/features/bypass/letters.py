"""The letters about a bypass: that one was started for the owner, and sign-ins under it, at most one an hour."""

from collections.abc import Mapping

from focys.features.outbox import Composer, Waiting
from focys.infra.mail.mailer import Letter

BEGUN, USED = "mfa_bypass_begun", "mfa_bypass_used"


def composers(app_name: str) -> Mapping[str, Composer]:
    """Return the composer of each kind of letter."""

    def compose_begun(waiting: Waiting) -> Letter:
        return Letter(
            subject=f"Your second step is off for a while · {app_name}",
            paragraphs=(
                f"An administrator turned your second step off until {waiting.about['until']} UTC.",
                "Until then your password alone signs you in. Then the second step is back by itself.",
                "If you did not ask for this, tell your administrator at once.",
            ),
            console=f"Notice for {waiting.address}: the second step is off for a while",
        )

    def compose_used(waiting: Waiting) -> Letter:
        return Letter(
            subject=f"A sign-in with your password alone · {app_name}",
            paragraphs=(
                f"Somebody signed in to your account ({waiting.about['at']} UTC, from {waiting.about['source']}).",
                "No code was asked for: an administrator turned the second step off for a while.",
                f"That session ends at {waiting.about['until']} UTC at the latest.",
                "For an hour, you are not told of another one.",
                "If that was not you, tell your administrator at once, and choose a new password.",
            ),
            console=f"Notice for {waiting.address}: a sign-in with the password alone",
        )

    return {BEGUN: compose_begun, USED: compose_used}
