"""Decides which failures the owner gets an email about; each kind at most once an hour.

After the right password: the third failure, each lock, and guarded mode. For wrong passwords: only the one that closes
a bucket.
"""

from datetime import datetime, timedelta
from uuid import UUID

from focys.domain.lockout import GUARDED_AFTER, LOCKS, NOTICE_AT
from focys.features.lockout.letters import FAILING, GUARDED, LOCKED, PASSWORDS_CLOSED
from focys.features.lockout.passwords import Charge
from focys.features.outbox import Outbox, letter_for
from focys.infra.db.database import Change
from focys.infra.web.visitor import Visitor

QUIET = timedelta(hours=1)

_KINDS = {NOTICE_AT: FAILING, **dict.fromkeys(LOCKS, LOCKED), GUARDED_AFTER: GUARDED}


async def notices_for(outbox: Outbox, user_id: UUID, failures: int, visitor: Visitor, now: datetime) -> list[Change]:
    """Return the letter that the owner's *failures*-th failure calls for, if any."""
    kind = _KINDS.get(failures)
    if kind is None or await outbox.is_recent(user_id, kind, QUIET):
        return []
    about = {"at": f"{now:%Y-%m-%d %H:%M}", "source": visitor.address}
    return [letter_for(user_id, kind, about, now)]


async def passwords_notice_for(
    outbox: Outbox, user_id: UUID | None, charge: Charge, visitor: Visitor, now: datetime
) -> list[Change]:
    """Return the email to send after a wrong password, if any; an unknown address (None) gets none."""
    if user_id is None or not charge.closes or await outbox.is_recent(user_id, PASSWORDS_CLOSED, QUIET):
        return []
    about = {"at": f"{now:%Y-%m-%d %H:%M}", "source": visitor.address, "known_browser": charge.network is None}
    return [letter_for(user_id, PASSWORDS_CLOSED, about, now)]
