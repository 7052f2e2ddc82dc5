"""Operator actions on accounts: unlock, reset the second factor, set a password, end sessions. None shows a secret."""

from focys.features.admin.events import Alarm, Event
from focys.features.admin.gauges import read_resets
from focys.features.admin.notices import RESET
from focys.features.admin.service import Administration, ConflictError, Ticket, Voided
from focys.features.feature import Feature, Gauge

FEATURE = Feature(events=Event, alarms=Alarm, emails=(RESET,), gauges=(Gauge(read_resets),))

__all__ = ["FEATURE", "RESET", "Administration", "ConflictError", "Ticket", "Voided"]
