"""What a feature tells the app about itself; ``focys.services`` lists them all.

FEATURE = Feature(mails=(LOCKED,), retention=(kept_for(failures.c.at, MEMORY),), router=router)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from focys.infra.db.retention import Deletion
from focys.infra.mail.kinds import MailKind


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature's contributions to the app.

    Attributes:
        mails: the kinds of email it queues.
        retention: what to delete every hour.
        router: its HTTP calls.
    """

    mails: Sequence[MailKind] = ()
    retention: Sequence[Deletion] = ()
    router: APIRouter | None = None
