"""Limits on wrong passwords: per account and network or known browser, and per network.

    charge = await throttle.charge(bucket, tried, now)      # before the password is compared
    await throttle.keep(charge)                             # wrong; or forgive (right) or undo (not compared)

Network counters are stored in the database, in Redis or in memory. ``Networks`` shows them to operators.
"""

from focys.features.feature import Feature, Gauge
from focys.features.throttling.events import Event
from focys.features.throttling.gauges import read_accounts_tried
from focys.features.throttling.network_usage import Networks, NetworkUsage
from focys.features.throttling.networks import Full, NetworkCounters, NetworkError, Try
from focys.features.throttling.notices import PASSWORDS_CLOSED, passwords_notice_for
from focys.features.throttling.repository import list_wrong_passwords, passwords_forgiven
from focys.features.throttling.service import (
    CLOSED_AFTER,
    PasswordCharge,
    PasswordLimit,
    PasswordThrottle,
    password_keys,
)
from focys.features.throttling.stores import network_counters

FEATURE = Feature(events=Event, emails=(PASSWORDS_CLOSED,), gauges=(Gauge(read_accounts_tried, seconds=60),))

__all__ = [
    "CLOSED_AFTER",
    "FEATURE",
    "Full",
    "NetworkCounters",
    "NetworkError",
    "NetworkUsage",
    "Networks",
    "PasswordCharge",
    "PasswordLimit",
    "PasswordThrottle",
    "Try",
    "list_wrong_passwords",
    "network_counters",
    "password_keys",
    "passwords_forgiven",
    "passwords_notice_for",
]
