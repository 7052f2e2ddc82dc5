"""The login: the only feature that knows more than one factor. Its whole course is the table in ``focys.domain.login``.

    password       service.py        right password -> a login under way (a row, found by a cookie's hash)
    mailbox        mailbox.py        first sign-in only: the mailed code
    enrolment      enrolment.py      QR code, first TOTP code, backup codes
    second factor  second_factor.py  TOTP or backup code, against the failure ledger

Every attempt reads the facts in one query, decides in pure code, and commits verdict and consequences in one write
behind a compare-and-set on the account. Nothing is told to the caller before that write has happened.
"""

from focys.features.login.context import Dependencies
from focys.features.login.models import pending_logins
from focys.features.login.router import build_router
from focys.features.login.service import LoginFlow

__all__ = ["Dependencies", "LoginFlow", "build_router", "pending_logins"]
