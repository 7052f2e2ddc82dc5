"""Operator actions on accounts, and what operators see of them. None shows a secret.

administration    unlock, reset the second factor, set a password, end sessions
people            change an address, delete an account
importer          create many accounts
directory         the state of accounts, and what happened to one
"""

from focys.features.admin.conflict import ConflictError
from focys.features.admin.csv_rows import Problem, Row
from focys.features.admin.directory import PAGE_SIZE, Details, Directory, EventFilter, Person, State, Whose
from focys.features.admin.events import Alarm, Event
from focys.features.admin.gauges import read_resets
from focys.features.admin.importing import Import, Importer, Plan
from focys.features.admin.notices import CREATED, EMAIL_CHANGED, RESET
from focys.features.admin.people import People
from focys.features.admin.service import Administration, Ticket, Voided
from focys.features.feature import Feature, Gauge

FEATURE = Feature(events=Event, alarms=Alarm, emails=(RESET, EMAIL_CHANGED, CREATED), gauges=(Gauge(read_resets),))

__all__ = [
    "CREATED",
    "EMAIL_CHANGED",
    "FEATURE",
    "PAGE_SIZE",
    "RESET",
    "Administration",
    "ConflictError",
    "Details",
    "Directory",
    "EventFilter",
    "Import",
    "Importer",
    "People",
    "Person",
    "Plan",
    "Problem",
    "Row",
    "State",
    "Ticket",
    "Voided",
    "Whose",
]
