"""What a feature contributes to the app; ``focys.services`` lists all features.

FEATURE = Feature(events=Event, emails=(LOCKED,), retention=(kept_for(failures.c.at, MEMORY),), router=router)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from focys.features.audit import AlarmName, EventName
from focys.infra.db.retention import Deletion
from focys.infra.mail.kinds import MailKind


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature's contributions to the app.

    Attributes:
        events: its audit events: an enum.
        alarms: its alarms: an enum.
        emails: the kinds of email that it sends.
        retention: which expired rows to delete every hour.
        router: its routes.
    """

    events: Iterable[EventName] = ()
    alarms: Iterable[AlarmName] = ()
    emails: Sequence[MailKind] = ()
    retention: Sequence[Deletion] = ()
    router: APIRouter | None = None
