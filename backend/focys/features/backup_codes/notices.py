"""Emails about backup codes: one was used, or a new set was issued or asked for."""

from focys.features.outbox import NOT_YOU, Notice, when_and_where

_REMEDY = "a new password and a new second step"


def _left(codes: int) -> str:
    return f"You have {codes} left." if codes else "You have none left; your next sign-in shows new ones."


USED = Notice(
    "backup_code_used",
    "A backup code was used",
    lambda details: (
        f"Someone signed in to your account with a backup code ({when_and_where(details)}).",
        _left(details["left"]),
    ),
    NOT_YOU,
    _REMEDY,
)
RENEWED = Notice(
    "backup_codes_renewed",
    "You have new backup codes",
    lambda details: (
        f"A sign-in to your account showed new backup codes, because you had none left ({when_and_where(details)}).",
    ),
    NOT_YOU,
    _REMEDY,
)
REPLACED = Notice(
    "backup_codes_replaced",
    "You have new backup codes",
    lambda details: (
        f"Someone who is signed in to your account asked for new backup codes ({when_and_where(details)}).",
        "The previous ones no longer work.",
    ),
    NOT_YOU,
    _REMEDY,
)
