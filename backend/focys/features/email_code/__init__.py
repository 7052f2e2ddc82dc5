"""The mailed code that proves a mailbox, for enrolment only; never a second factor of an enrolled account.

It is spelled from a keyed digest of the login and an issue number, so it is stored nowhere; a resend mails the same
code while it lives. Five wrong entries kill a code; after ten failures in a year codes have sixteen characters.
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
