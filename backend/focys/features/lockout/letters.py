"""What the owner is told when somebody who has the password fails at the second factor."""

from collections.abc import Mapping

from focys.features.outbox import Composer, Waiting
from focys.infra.mailer import Letter

FAILING, LOCKED, GUARDED = "totp_failing", "totp_locked", "totp_guarded"

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
    return {kind: _composer(app_name, kind) for kind in _WHAT_HAPPENED}


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
