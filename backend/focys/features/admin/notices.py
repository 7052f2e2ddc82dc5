"""The email about a second factor reset."""

from focys.features.outbox import Notice

RESET = Notice(
    "mfa_reset",
    "Your second step was reset",
    lambda details: (
        f"An administrator removed the authenticator and backup codes of your account ({details['at']} UTC).",
        "All your sessions have ended; at your next sign-in you set up a new authenticator.",
    ),
    "If you did not ask for this",
)
