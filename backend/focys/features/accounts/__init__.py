"""Who exists. Owns ``users``; everything else about a person hangs on the id.

An address has one canonical form, made before anything else looks at it. ``attempt_seq`` is the number every attempt
and every change of a factor or credential raises by compare-and-set; ``credential_epoch`` rises with each change of a
credential and voids the logins, browsers and sessions that were made under the old one.
"""

from focys.features.accounts.addresses import InvalidAddressError, canonical_address, masked
from focys.features.accounts.models import users
from focys.features.accounts.repository import (
    CLAIM_LIVE,
    Account,
    AccountRepository,
    claim,
    claim_and_burn,
    claim_and_enrol,
    claim_and_reset,
)
from focys.features.accounts.service import AccountError, Accounts

__all__ = [
    "CLAIM_LIVE",
    "Account",
    "AccountError",
    "AccountRepository",
    "Accounts",
    "InvalidAddressError",
    "canonical_address",
    "claim",
    "claim_and_burn",
    "claim_and_enrol",
    "claim_and_reset",
    "masked",
    "users",
]
