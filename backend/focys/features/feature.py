"""What a feature contributes to the app; ``focys.services`` lists all features.

FEATURE = Feature(events=Event, emails=(LOCKED,), retention=(kept_for(failures.c.at, MEMORY),), router=router)
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter

from focys.features.audit import AlarmName, EventName
from focys.infra.db.database import Database
from focys.infra.db.retention import Deletion
from focys.infra.mail.kinds import MailKind
from focys.settings import Settings


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge whose value only the database knows.

    Each process calls ``read`` every ``seconds`` seconds, the first time after ``first_after``; it sets the metric. So
    a scrape of /metrics never queries the database, and responds at once even while the database is down.
    """

    read: Callable[[Database, Settings, datetime], Awaitable[None]]
    seconds: float = 15
    first_after: float = 0


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature's contributions to the app.

    Attributes:
        events: its audit events: an enum.
        alarms: its alarms: an enum.
        emails: the kinds of email that it sends.
        retention: which expired rows to delete every hour.
        gauges: its metrics that are read from the database.
        router: its routes.
    """

    events: Iterable[EventName] = ()
    alarms: Iterable[AlarmName] = ()
    emails: Sequence[MailKind] = ()
    retention: Sequence[Deletion] = ()
    gauges: Sequence[Gauge] = ()
    router: APIRouter | None = None
