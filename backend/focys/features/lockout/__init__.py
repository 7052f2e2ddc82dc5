"""The ledgers of failures. Rows are facts; ``focys.domain.lockout`` and ``focys.domain.networks`` interpret them.

second factor   a row per failure, per account and bucket     failed(…), forgiven(…) -> changes
password        a row per account and bucket with a count      PasswordLedger.charge, then keep, forgive or undo
network         wrong passwords, and accounts that have one    charged with the password's; Networks for the operator
account         all other counts                                Limits.charge
"""

from focys.features.lockout.letters import composers
from focys.features.lockout.models import second_factor_failures, throttles
from focys.features.lockout.network_stores import network_counters
from focys.features.lockout.networks import Full, NetworkCounters, NetworkError, Try
from focys.features.lockout.operating import Networks, Standing
from focys.features.lockout.passwords import CLOSED_AFTER, Charge, PasswordLedger, PasswordLimit, password_keys
from focys.features.lockout.rate_limiter import (
    CODES_A_DAY,
    CODES_PER_NETWORK,
    CODES_RESENT,
    CODES_RESENT_A_DAY,
    CODES_SHARED,
    ENROLMENTS,
    LOGINS_STARTED,
    OUT_OF_TURN,
    REFRESHES,
    UNFINISHED_LOGINS,
    Limits,
    LoginLimits,
    account_limits,
)
from focys.features.lockout.repository import (
    CHARGE_ROW,
    BucketParameters,
    StrengthParameters,
    all_forgiven,
    bucket_parameters,
    failed,
    forgiven,
    kept,
    passwords_forgiven,
    strength_parameters,
    surplus_forgotten,
    taken_back,
    tally,
)
from focys.features.lockout.service import notices_for, passwords_notice_for

__all__ = [
    "CHARGE_ROW",
    "CLOSED_AFTER",
    "CODES_A_DAY",
    "CODES_PER_NETWORK",
    "CODES_RESENT",
    "CODES_RESENT_A_DAY",
    "CODES_SHARED",
    "ENROLMENTS",
    "LOGINS_STARTED",
    "OUT_OF_TURN",
    "REFRESHES",
    "UNFINISHED_LOGINS",
    "BucketParameters",
    "Charge",
    "Full",
    "Limits",
    "LoginLimits",
    "NetworkCounters",
    "NetworkError",
    "Networks",
    "PasswordLedger",
    "PasswordLimit",
    "Standing",
    "StrengthParameters",
    "Try",
    "account_limits",
    "all_forgiven",
    "bucket_parameters",
    "composers",
    "failed",
    "forgiven",
    "kept",
    "network_counters",
    "notices_for",
    "password_keys",
    "passwords_forgiven",
    "passwords_notice_for",
    "second_factor_failures",
    "strength_parameters",
    "surplus_forgotten",
    "taken_back",
    "tally",
    "throttles",
]
