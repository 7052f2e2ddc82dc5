"""Emails about a bypass: one was started for the user, or used to sign in (at most one email an hour)."""

from focys.features.outbox import NOT_YOU, Notice, when_and_where

BEGUN = Notice(
    "mfa_bypass_begun",
    "Your second step is off for a while",
    lambda details: (
        f"An administrator turned your second step off until {details['until']} UTC.",
        "Until then your password alone signs you in. After that, the second step is back.",
    ),
    "If you did not ask for this",
)
USED = Notice(
    "mfa_bypass_used",
    "A sign-in with your password alone",
    lambda details: (
        f"Someone signed in to your account ({when_and_where(details)}).",
        "No code was needed: an administrator has turned your second step off for a while.",
        f"That session ends at {details['until']} UTC at the latest.",
        "You get at most one such email an hour.",
    ),
    NOT_YOU,
    "a new password",
)
