"""Emails about backup codes: one was used, or a new set was issued."""

from focys.features.outbox import Notice, when_and_where

_NOT_YOU = "If that was not you, choose a new password now and ask an administrator to reset your second step."


def _left(codes: int) -> str:
    return f"You have {codes} left." if codes else "You have none left; your next sign-in shows new ones."


USED = Notice(
    "backup_code_used",
    "A backup code was used",
    lambda details: (
        f"Someone signed in to your account with a backup code ({when_and_where(details)}).",
        _left(details["left"]),
        _NOT_YOU,
    ),
)
RENEWED = Notice(
    "backup_codes_renewed",
    "You have new backup codes",
    lambda details: (
        f"You had no backup codes left, so a sign-in was shown new ones ({when_and_where(details)}).",
        _NOT_YOU,
    ),
)
