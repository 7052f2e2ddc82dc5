"""The ledgers of failures. Facts are rows; what they mean is ``focys.domain.lockout``.

second factor   a row per failure, per account and bucket     failed(…), forgiven(…) -> changes
password        a row per account and bucket with a count      PasswordLedger.charge / refund
source          counts per network on the ``limits`` library   Limits.charge / refund
"""

from focys.features.lockout.letters import composers
from focys.features.lockout.models import second_factor_failures, throttles
from focys.features.lockout.passwords import PasswordLedger, PasswordLimit, password_keys
from focys.features.lockout.rate_limiter import (
    ACCOUNTS_TRIED,
    CODES_RESENT,
    CODES_RESENT_A_DAY,
    CODES_SENT,
    ENROLMENTS,
    GUARDED_TRIES,
    PASSWORD_FAILURES,
    REFRESHES,
    Limits,
    account_limits,
    source_limits,
)
from focys.features.lockout.repository import all_forgiven, failed, forgiven, in_bucket, passwords_forgiven
from focys.features.lockout.service import notices_for

__all__ = [
    "ACCOUNTS_TRIED",
    "CODES_RESENT",
    "CODES_RESENT_A_DAY",
    "CODES_SENT",
    "ENROLMENTS",
    "GUARDED_TRIES",
    "PASSWORD_FAILURES",
    "REFRESHES",
    "Limits",
    "PasswordLedger",
    "PasswordLimit",
    "account_limits",
    "all_forgiven",
    "composers",
    "failed",
    "forgiven",
    "in_bucket",
    "notices_for",
    "password_keys",
    "passwords_forgiven",
    "second_factor_failures",
    "source_limits",
    "throttles",
]
