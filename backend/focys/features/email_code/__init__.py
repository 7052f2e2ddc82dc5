"""The emailed code. It proves access to the mailbox during enrollment, and is never a second factor.

It is derived from the login id and an issue number with a keyed hash, so it is not stored; a resend sends the same code
until it expires. Five wrong entries disable a code; after ten failures in a year, codes have sixteen characters.
"""

from focys.domain.lockout import MEMORY
from focys.features.email_code.models import email_code_failures
from focys.features.email_code.repository import (
    CHARGE_ROW,
    email_failures_forgiven,
    email_tally,
    taken_back,
)
from focys.features.email_code.service import CodeIssue, EmailCodes
from focys.features.feature import Feature
from focys.infra.db.retention import kept_for

FEATURE = Feature(retention=(kept_for(email_code_failures.c.at, MEMORY),))

__all__ = [
    "CHARGE_ROW",
    "FEATURE",
    "CodeIssue",
    "EmailCodes",
    "email_code_failures",
    "email_failures_forgiven",
    "email_tally",
    "taken_back",
]
