"""Failed second factors. Rows are facts; ``focys.domain.lockout`` interprets them.

tally(person)               the failures of a bucket in SQL, and whether a proof may be charged
kept, taken_back, forgiven  the changes that settle a charge
notices_for                 the email that a failure calls for
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
    strength_parameters,
    surplus_forgotten,
    taken_back,
    tally,
)
from focys.infra.db.retention import kept_for

FEATURE = Feature(
    mails=(FAILING, LOCKED, GUARDED),
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
    "notices_for",
    "second_factor_failures",
    "strength_parameters",
    "taken_back",
    "tally",
]
