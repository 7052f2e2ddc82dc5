"""The login: the only feature that knows more than one factor. Its whole course is the table in ``focys.domain.login``.

    password       password.py       right password -> a login in progress (a row, found by the hash of a cookie)
    email code     email_code.py     first sign-in only: the emailed code
    enrolment      enrolment.py      shows a factor and takes its first proof
    second factor  second_factor.py  any kind of factor, charged to the account's failures

Every attempt is one statement that charges it and returns the facts, a decision in pure code, and one write of the
verdict (``focys.domain.attempt``). The caller learns nothing before that write has happened.
"""

from focys.features.login.attempt import Dependencies
from focys.features.login.models import pending_logins
from focys.features.login.notices import composers
from focys.features.login.router import build_router
from focys.features.login.service import LoginFlow

__all__ = ["Dependencies", "LoginFlow", "build_router", "composers", "pending_logins"]
