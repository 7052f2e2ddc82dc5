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
    CODES_A_DAY,
    CODES_PER_NETWORK,
    CODES_RESENT,
    CODES_RESENT_A_DAY,
    CODES_SHARED,
    ENROLMENTS,
    LOGINS_STARTED,
    OUT_OF_TURN,
    PASSWORD_FAILURES,
    REFRESHES,
    UNFINISHED_LOGINS,
    Limits,
    account_limits,
    source_limits,
)
from focys.features.lockout.repository import (
    CHARGE_ROW,
    BucketParameters,
    StrengthParameters,
    all_forgiven,
    bucket_parameters,
    failed,
    forgiven,
    passwords_forgiven,
    strength_parameters,
    taken_back,
    tally,
)
from focys.features.lockout.service import notices_for

__all__ = [
    "ACCOUNTS_TRIED",
    "CHARGE_ROW",
    "CODES_A_DAY",
    "CODES_PER_NETWORK",
    "CODES_RESENT",
    "CODES_RESENT_A_DAY",
    "CODES_SHARED",
    "ENROLMENTS",
    "LOGINS_STARTED",
    "OUT_OF_TURN",
    "PASSWORD_FAILURES",
    "REFRESHES",
    "UNFINISHED_LOGINS",
    "BucketParameters",
    "Limits",
    "PasswordLedger",
    "PasswordLimit",
    "StrengthParameters",
    "account_limits",
    "all_forgiven",
    "bucket_parameters",
    "composers",
    "failed",
    "forgiven",
    "notices_for",
    "password_keys",
    "passwords_forgiven",
    "second_factor_failures",
    "source_limits",
    "strength_parameters",
    "taken_back",
    "tally",
    "throttles",
]
