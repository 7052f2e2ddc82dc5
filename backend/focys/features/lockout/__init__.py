"""Failures of the second factor: one row each. ``focys.domain.lockout`` derives the lock state from them.

tally(person)               a query for a bucket's failures, and whether an attempt may be charged
kept, taken_back, forgiven  the changes that settle a charge
notices_for                 the email to send after a failure
"""

from focys.domain.lockout import MEMORY
from focys.features.feature import Feature
from focys.features.lockout.models import second_factor_failures
from focys.features.lockout.notices import FAILING, GUARDED, LOCKED, notices_for
from focys.features.lockout.repository import (
    CHARGE_ROW,
    BucketParameters,
    StrengthParameters,
    all_forgiven,
    bucket_parameters,
    failed,
    forgiven,
    kept,
    list_lock_states,
    strength_parameters,
    surplus_forgotten,
    taken_back,
    tally,
)
from focys.infra.db.retention import kept_for

FEATURE = Feature(
    emails=(FAILING, LOCKED, GUARDED),
    retention=(kept_for(second_factor_failures.c.at, MEMORY), surplus_forgotten),
)

__all__ = [
    "CHARGE_ROW",
    "FEATURE",
    "BucketParameters",
    "StrengthParameters",
    "all_forgiven",
    "bucket_parameters",
    "failed",
    "forgiven",
    "kept",
    "list_lock_states",
    "notices_for",
    "second_factor_failures",
    "strength_parameters",
    "taken_back",
    "tally",
]
