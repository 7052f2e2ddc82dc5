"""The ledgers of failures. Facts are rows; what they mean is ``focys.domain.lockout`` and ``focys.domain.networks``.

second factor   a row per failure, per account and bucket     failed(…), forgiven(…) -> changes
password        a row per account and bucket with a count      PasswordLedger.charge, then keep, forgive or undo
network         wrong passwords, and accounts that have one    charged with the password's; Networks for the operator
account         counts of everything else                      Limits.charge
"""

from focys.features.lockout.letters import composers
from focys.features.lockout.models import second_factor_failures, throttles
from focys.features.lockout.network_stores import network_counters
from focys.features.lockout.networks import Full, NetworkCounters, NetworkError, Try
from focys.features.lockout.operating import Networks, Standing
from focys.features.lockout.passwords import CLOSED_AFTER, Charge, PasswordLedger, PasswordLimit, password_keys
from focys.features.lockout.rate_limiter import (
    CODES_RESENT,
    CODES_RESENT_A_DAY,
    CODES_SENT,
    ENROLMENTS,
    GUARDED_TRIES,
    REFRESHES,
    Limits,
    account_limits,
)
from focys.features.lockout.repository import all_forgiven, failed, forgiven, in_bucket, passwords_forgiven
from focys.features.lockout.service import notices_for, passwords_notice_for

__all__ = [
    "CLOSED_AFTER",
    "CODES_RESENT",
    "CODES_RESENT_A_DAY",
    "CODES_SENT",
    "ENROLMENTS",
    "GUARDED_TRIES",
    "REFRESHES",
    "Charge",
    "Full",
    "Limits",
    "NetworkCounters",
    "NetworkError",
    "Networks",
    "PasswordLedger",
    "PasswordLimit",
    "Standing",
    "Try",
    "account_limits",
    "all_forgiven",
    "composers",
    "failed",
    "forgiven",
    "in_bucket",
    "network_counters",
    "notices_for",
    "password_keys",
    "passwords_forgiven",
    "passwords_notice_for",
    "second_factor_failures",
    "throttles",
]
