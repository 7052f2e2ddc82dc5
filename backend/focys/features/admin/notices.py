"""The emails about what an administrator did to an account."""

from focys.features.outbox import Notice

NOT_ASKED = "If you did not ask for this"
RESET = Notice(
    "mfa_reset",
    "Your second step was reset",
    lambda details: (
        f"An administrator removed the authenticator and backup codes of your account ({details['at']} UTC).",
        "All your sessions have ended; at your next sign-in you set up a new authenticator.",
        *(["For that, you need the ticket that your administrator gives you."] if details.get("ticket") else []),
    ),
    NOT_ASKED,
)
EMAIL_CHANGED = Notice(
    "email_changed",
    "The email address of your account was changed",
    lambda details: (
        f"An administrator changed your address from {details['old']} to {details['new']} ({details['at']} UTC).",
        "Sign in with the new address; your password and authenticator stay the same.",
        "All your sessions have ended.",
    ),
    NOT_ASKED,
)
CREATED = Notice(
    "account_created",
    "An account for you",
    lambda details: (
        "An administrator created an account for this address, and will give you its first password.",
        f"Sign in at {details['url']}. The first sign-in sets up an authenticator app, so have your phone with you.",
    ),
    "If you did not expect this",
)
