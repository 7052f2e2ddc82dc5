"""The email about a changed password."""

from focys.features.outbox import NOT_YOU, Notice, when_and_where

CHANGED = Notice(
    "password_changed",
    "Your password was changed",
    lambda details: (
        f"Someone who is signed in to your account changed its password ({when_and_where(details)}).",
        "All other browsers were signed out.",
    ),
    NOT_YOU,
    "a new password and a new second step",
)
