"""Emails, sent once the change they report is committed, and retried while the mail server is unavailable.

    await database.write(…, LOCKED.queue(user_id, seen(caller, now), now))      # wakes the sender at once

A row stores the kind of email and its details. The text is rendered when it is sent, so no code is stored.
"""

from datetime import timedelta

from focys.features.feature import Feature, Gauge
from focys.features.outbox.gauges import read_waiting
from focys.features.outbox.models import outbox
from focys.features.outbox.notices import NOT_YOU, Notice, minute, queued, seen, when_and_where
from focys.features.outbox.repository import all_withdrawn, count_queued, withdrawn
from focys.features.outbox.service import Outbox
from focys.infra.db.retention import kept_for
from focys.infra.mail.kinds import Details, MailContext

FEATURE = Feature(retention=(kept_for(outbox.c.done_at, timedelta(days=30)),), gauges=(Gauge(read_waiting),))

__all__ = [
    "FEATURE",
    "NOT_YOU",
    "Details",
    "MailContext",
    "Notice",
    "Outbox",
    "all_withdrawn",
    "count_queued",
    "minute",
    "outbox",
    "queued",
    "seen",
    "when_and_where",
    "withdrawn",
]
