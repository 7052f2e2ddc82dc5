"""User accounts. Owns the table ``users``; other features refer to a user by id.

Addresses are put into one canonical form before anything else uses them. ``attempt_seq`` is the version of the account
for optimistic locking: every attempt and every change of a factor or credential raises it by compare-and-set.
``credential_epoch`` (elsewhere called a security stamp) rises with each credential change and invalidates the logins,
browsers and sessions created under the old one.
"""

from focys.features.accounts.addresses import InvalidAddressError, canonical_address, masked
from focys.features.accounts.events import Event
from focys.features.accounts.foreign_rows import FIX_ADDRESSES, FIX_HASH, ForeignRows
from focys.features.accounts.models import users
from focys.features.accounts.repository import (
    CLAIM_LIVE,
    Account,
    AccountRepository,
    Unusable,
    claim,
    claim_and_burn,
    claim_and_delete,
    claim_and_enroll,
    claim_and_reset,
    claim_and_set_email,
    claim_and_set_password,
)
from focys.features.accounts.service import AccountError, Accounts, NewAccount, OnlyAdministratorError, check_name
from focys.features.accounts.tickets import StoredTicket, is_right_ticket, new_ticket
from focys.features.feature import Feature

FEATURE = Feature(events=Event)

__all__ = [
    "CLAIM_LIVE",
    "FEATURE",
    "FIX_ADDRESSES",
    "FIX_HASH",
    "Account",
    "AccountError",
    "AccountRepository",
    "Accounts",
    "ForeignRows",
    "InvalidAddressError",
    "NewAccount",
    "OnlyAdministratorError",
    "StoredTicket",
    "Unusable",
    "canonical_address",
    "check_name",
    "claim",
    "claim_and_burn",
    "claim_and_delete",
    "claim_and_enroll",
    "claim_and_reset",
    "claim_and_set_email",
    "claim_and_set_password",
    "is_right_ticket",
    "masked",
    "new_ticket",
    "users",
]
