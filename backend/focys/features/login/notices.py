"""Emails to the owner about sign-ins: a new browser, a new factor, and repeated unfinished sign-ins."""

from datetime import timedelta
from uuid import UUID

from focys.features.login.snapshots import Account
from focys.features.login.visit import Visit
from focys.features.outbox import NOT_YOU, Notice, Outbox, seen, when_and_where
from focys.features.rate_limits import UNFINISHED_LOGINS, RateLimiter
from focys.infra.db.database import Change

UNFINISHED_QUIET = timedelta(hours=24)

_REMEDY = "a new password and a new second step"
NEW_BROWSER = Notice(
    "new_browser",
    "New sign-in to your account",
    lambda details: (
        f"Someone signed in to your account from a browser we have not seen before ({when_and_where(details)}).",
    ),
    NOT_YOU,
    _REMEDY,
)
FACTOR_ADDED = Notice(
    "factor_added",
    "A second step was added to your account",
    lambda details: (f"A second step was set up for your account ({when_and_where(details)}).",),
    NOT_YOU,
    _REMEDY,
)
FACTOR_REPLACED = Notice(
    "factor_replaced",
    "Your authenticator app was replaced",
    lambda details: (
        f"Someone who is signed in to your account set up a new authenticator app ({when_and_where(details)}).",
        "Codes from the old one no longer work, and all other browsers were signed out. Your backup codes still work.",
    ),
    NOT_YOU,
    _REMEDY,
)
FACTOR_REMOVED = Notice(
    "factor_removed",
    "The second step was turned off",
    lambda details: (
        f"Someone who is signed in to your account turned off its second step ({when_and_where(details)}).",
        "Your password alone is now enough to sign in.",
        "Your backup codes no longer work, and all other browsers were signed out.",
    ),
    NOT_YOU,
    _REMEDY,
)
UNFINISHED = Notice(
    "unfinished_sign_ins",
    "Someone knows your password",
    lambda details: (
        f"Someone keeps entering your password without finishing the sign-in ({when_and_where(details)}).",
        "Your second step keeps them out.",
    ),
    NOT_YOU,
    "a new password",
)


def new_browser_mail(account: Account, visit: Visit) -> Change:
    """Return the email about a sign-in from a new browser."""
    return NEW_BROWSER.queue(account.user_id, seen(visit.caller, visit.now), visit.now)


def factor_added_mail(account: Account, visit: Visit) -> Change:
    """Return the email about a new factor."""
    return FACTOR_ADDED.queue(account.user_id, seen(visit.caller, visit.now), visit.now)


def factor_replaced_mail(account: Account, visit: Visit) -> Change:
    """Return the email about a factor that replaced an earlier one."""
    return FACTOR_REPLACED.queue(account.user_id, seen(visit.caller, visit.now), visit.now)


def factor_removed_mail(user_id: UUID, visit: Visit) -> Change:
    """Return the email about a second step that was turned off."""
    return FACTOR_REMOVED.queue(user_id, seen(visit.caller, visit.now), visit.now)


async def unfinished_mails(limits: RateLimiter, outbox: Outbox, account: Account, visit: Visit) -> list[Change]:
    """Count a sign-in started in an unknown browser; return the email about the tenth in an hour, once a day."""
    if account.browser_id is not None:
        return []
    if await limits.count(UNFINISHED_LOGINS, str(account.user_id)) != UNFINISHED_LOGINS.amount:
        return []
    if await outbox.is_recent(account.user_id, UNFINISHED.kind, UNFINISHED_QUIET):
        return []
    return [UNFINISHED.queue(account.user_id, seen(visit.caller, visit.now), visit.now)]


def finished(limits: RateLimiter, account: Account, visit: Visit) -> list[Change]:
    """Return the changes that subtract a finished sign-in in an unknown browser from the unfinished ones."""
    if account.browser_id is not None:
        return []
    return limits.give_back(UNFINISHED_LOGINS, str(account.user_id), now=visit.now)
