"""The emails to the owner about failures: at the second factor after the right password, or at the password itself."""

from collections.abc import Mapping
from functools import partial

from focys.features.outbox import Composer, Waiting
from focys.infra.mail.mailer import Letter

FAILING, LOCKED, GUARDED = "totp_failing", "totp_locked", "totp_guarded"
PASSWORDS_CLOSED = "passwords_closed"

_ADVICE = (
    "If that was you, there is nothing to do. If it was not, somebody knows your password: choose a new one as soon "
    "as you can. Your second step has kept them out."
)
_WHAT_HAPPENED = {
    FAILING: (
        "Wrong codes on your account",
        "Somebody entered your right password and then three wrong codes",
    ),
    LOCKED: (
        "Your account is locked for a while",
        "After several wrong codes the second step is locked for a while; it opens again by itself",
    ),
    GUARDED: (
        "Your account now asks for two codes",
        "After fifteen wrong codes one code is no longer enough; use two codes in a row, or a backup code",
    ),
}


def composers(app_name: str) -> Mapping[str, Composer]:
    """Return the composer of each kind of notice."""
    notices = {kind: _composer(app_name, kind) for kind in _WHAT_HAPPENED}
    return {**notices, PASSWORDS_CLOSED: partial(_passwords_closed, app_name)}


def _composer(app_name: str, kind: str) -> Composer:
    subject, happened = _WHAT_HAPPENED[kind]

    def compose(waiting: Waiting) -> Letter:
        line = f"{happened} ({waiting.about['at']} UTC, from {waiting.about['source']})."
        return Letter(
            subject=f"{subject} · {app_name}",
            paragraphs=(line, _ADVICE),
            console=f"Notice for {waiting.address}: {subject}",
        )

    return compose


def _passwords_closed(app_name: str, waiting: Waiting) -> Letter:
    source, subject = waiting.about["source"], "Too many wrong passwords for your account"
    if waiting.about["known_browser"]:
        where = f"in a browser you have signed in with before ({source})"
        elsewhere = "You can still sign in with another browser."
    else:
        where = f"from {source}"
        elsewhere = "You can still sign in from other networks, and with any browser you have signed in with before."
    happened = (
        f"Someone entered 100 wrong passwords in a row for your account {where}, the last one at "
        f"{waiting.about['at']} UTC. Passwords are no longer accepted there until an administrator unlocks your "
        "account or sets a new password."
    )
    advice = f"{elsewhere} If this was not you: your password has not been guessed, and you do not need to do anything."
    return Letter(
        subject=f"{subject} · {app_name}",
        paragraphs=(happened, advice),
        console=f"Notice for {waiting.address}: {subject}",
    )
