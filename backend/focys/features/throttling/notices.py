"""The email to the owner when 100 wrong passwords have closed a bucket."""

from datetime import datetime, timedelta
from uuid import UUID

from focys.features.outbox import Details, Notice, Outbox, seen
from focys.features.throttling.service import PasswordCharge
from focys.infra.db.database import Change
from focys.infra.web.caller import Caller

QUIET = timedelta(hours=1)


def _closed(details: Details) -> tuple[str, str]:
    if details["known_browser"]:
        where = f"in a browser you have signed in with before ({details['source']})"
        elsewhere = "You can still sign in with another browser."
    else:
        where = f"from {details['source']}"
        elsewhere = "You can still sign in from other networks, and with any browser you have signed in with before."
    happened = (
        f"Someone entered 100 wrong passwords for your account {where}, the last one at {details['at']} UTC. "
        "Passwords are no longer accepted there until an administrator unlocks your account or sets a new password."
    )
    return (
        happened,
        f"{elsewhere} If this was not you: your password has not been guessed, and you do not need to do anything.",
    )


PASSWORDS_CLOSED = Notice(
    "passwords_closed", "Too many wrong passwords for your account", _closed, "To have your account unlocked"
)


async def passwords_notice_for(
    outbox: Outbox, user_id: UUID | None, charge: PasswordCharge, caller: Caller, now: datetime
) -> list[Change]:
    """Return the email to send after a wrong password, if any; None as *user_id* is an unknown address."""
    if user_id is None or not charge.closes or await outbox.is_recent(user_id, PASSWORDS_CLOSED.kind, QUIET):
        return []
    details = {**seen(caller, now), "known_browser": charge.network is None}
    return [PASSWORDS_CLOSED.queue(user_id, details, now)]
