"""The emails to the owner about sign-ins: a new browser, a new factor, and a stranger who has the password."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from focys.features.lockout import UNFINISHED_LOGINS, Limits
from focys.features.login.snapshots import Account
from focys.features.login.visit import Visit
from focys.features.outbox import Composer, Outbox, Waiting, letter_for
from focys.infra.db.database import Change
from focys.infra.mail.mailer import Letter

NEW_BROWSER, FACTOR_ADDED, UNFINISHED = "new_browser", "factor_added", "unfinished_sign_ins"
UNFINISHED_QUIET = timedelta(hours=24)

_NOT_YOU = "If that was not you, tell an administrator at once: you need a new password and a new second step."
_TEXTS = {
    NEW_BROWSER: (
        "New sign-in to your account",
        "Someone signed in to your account from a browser we have not seen before",
        _NOT_YOU,
    ),
    FACTOR_ADDED: (
        "A second step was added to your account",
        "A second step for signing in was set up for your account",
        _NOT_YOU,
    ),
    UNFINISHED: (
        "Someone knows your password",
        "Someone keeps starting to sign in with your password, and does not finish",
        "Your second step keeps them out. Ask an administrator for a new password.",
    ),
}


def composers(app_name: str) -> Mapping[str, Composer]:
    """Return the composer of each kind of notice."""
    return {kind: partial(_compose, app_name, kind) for kind in _TEXTS}


def new_browser_mail(account: Account, visit: Visit) -> Change:
    """Return the email about a sign-in from a new browser."""
    return letter_for(account.user_id, NEW_BROWSER, _about(visit), visit.now)


def factor_added_mail(account: Account, visit: Visit) -> Change:
    """Return the email about a new factor."""
    return letter_for(account.user_id, FACTOR_ADDED, _about(visit), visit.now)


async def unfinished_mails(outbox: Outbox, account: Account, unfinished: int, visit: Visit) -> list[Change]:
    """Return the email about the tenth unfinished sign-in in an hour, once a day."""
    if unfinished != UNFINISHED_LOGINS.amount:
        return []
    if await outbox.is_recent(account.user_id, UNFINISHED, UNFINISHED_QUIET):
        return []
    return [letter_for(account.user_id, UNFINISHED, _about(visit), visit.now)]


async def finished(limits: Limits, account: Account, visit: Visit) -> list[Change]:
    """Return the changes that take a finished sign-in in an unknown browser off that count."""
    if account.browser_id is not None:
        return []
    return await limits.give_back(UNFINISHED_LOGINS, str(account.user_id), now=visit.now)


def _about(visit: Visit) -> dict[str, str]:
    return {"at": f"{visit.now:%Y-%m-%d %H:%M}", "source": visit.visitor.address}


def _compose(app_name: str, kind: str, waiting: Waiting) -> Letter:
    subject, happened, advice = _TEXTS[kind]
    return Letter(
        subject=f"{subject} · {app_name}",
        paragraphs=(f"{happened} ({waiting.about['at']} UTC, from {waiting.about['source']}).", advice),
        console=f"Notice for {waiting.address}: {subject}",
    )
