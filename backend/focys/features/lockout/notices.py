"""Emails to the owner about failures after a right password: the third one, each lock, and guarded mode."""

from datetime import datetime, timedelta
from uuid import UUID

from focys.domain.lockout import GUARDED_AFTER, LOCKS, NOTICE_AT
from focys.features.outbox import NOT_YOU, Details, Notice, Outbox, seen, when_and_where
from focys.infra.db.database import Change
from focys.infra.web.caller import Caller

QUIET = timedelta(hours=1)
"""Each kind is sent at most once per account within this time."""

_REMEDY = "a new password, because someone knows yours"


def _after(what_happened: str, details: Details) -> tuple[str, str]:
    return (
        f"{what_happened} ({when_and_where(details)}).",
        "If that was you, there is nothing to do. If it was not, your second step kept them out.",
    )


FAILING = Notice(
    "totp_failing",
    "Wrong codes on your account",
    lambda details: _after("Someone entered your password and then three wrong codes", details),
    NOT_YOU,
    _REMEDY,
)
LOCKED = Notice(
    "totp_locked",
    "Your account is locked for a while",
    lambda details: _after(
        "After several wrong codes, your second step is locked for a while; it unlocks by itself", details
    ),
    NOT_YOU,
    _REMEDY,
)
GUARDED = Notice(
    "totp_guarded",
    "Your account now asks for two codes",
    lambda details: _after(
        "After fifteen wrong codes, one code is no longer enough; use two codes in a row, or a backup code", details
    ),
    NOT_YOU,
    _REMEDY,
)
_BY_NUMBER = {NOTICE_AT: FAILING, **dict.fromkeys(LOCKS, LOCKED), GUARDED_AFTER: GUARDED}


async def notices_for(outbox: Outbox, user_id: UUID, failures: int, caller: Caller, now: datetime) -> list[Change]:
    """Return the email to send after failure number *failures*, if any."""
    notice = _BY_NUMBER.get(failures)
    if notice is None or await outbox.is_recent(user_id, notice.kind, QUIET):
        return []
    return [notice.queue(user_id, seen(caller, now), now)]
