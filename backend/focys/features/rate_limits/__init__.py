"""Rate limits. Each action is counted before it is done, so parallel requests cannot exceed a limit.

wait = await limits.hit(CODES_RESENT, str(user_id))       # seconds to wait, or None
"""

from datetime import timedelta

from focys.features.feature import Feature
from focys.features.rate_limits.models import throttles
from focys.features.rate_limits.service import (
    CODES_A_DAY,
    CODES_PER_NETWORK,
    CODES_REPLACED,
    CODES_RESENT,
    CODES_RESENT_A_DAY,
    CODES_SHARED,
    ENROLLMENTS,
    LOGINS_STARTED,
    OF_ACCOUNT_AND_NETWORK,
    OUT_OF_TURN,
    PASSWORDS_JUDGED,
    REFRESHES,
    STEP_UPS,
    UNFINISHED_LOGINS,
    USED_CODES,
    LoginLimits,
    RateLimiter,
    account_limits,
)
from focys.infra.db.retention import kept_for

FEATURE = Feature(retention=(kept_for(throttles.c.expires_at, timedelta(0)),))

__all__ = [
    "CODES_A_DAY",
    "CODES_PER_NETWORK",
    "CODES_REPLACED",
    "CODES_RESENT",
    "CODES_RESENT_A_DAY",
    "CODES_SHARED",
    "ENROLLMENTS",
    "FEATURE",
    "LOGINS_STARTED",
    "OF_ACCOUNT_AND_NETWORK",
    "OUT_OF_TURN",
    "PASSWORDS_JUDGED",
    "REFRESHES",
    "STEP_UPS",
    "UNFINISHED_LOGINS",
    "USED_CODES",
    "LoginLimits",
    "RateLimiter",
    "account_limits",
    "throttles",
]
