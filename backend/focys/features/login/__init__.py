"""The login: the only feature that knows several factors. ``focys.domain.login`` has the table of its steps.

    password       password.py       right password -> a login in progress (a row, found by the hash of its cookie)
    email code     email_code.py     first sign-in only: the emailed code
    enrollment     enrollment.py      shows a factor to set up, and checks its first proof
    second factor  second_factor.py  any kind of factor, charged to the bucket's failures
    new factor     new_factor.py     someone who is signed in replaces their factor, or turns it off

Every attempt is one statement that charges it and returns the facts, a decision in pure code, and one write of the
result (``focys.domain.attempt``). The client gets no response before that write has succeeded.
"""

from datetime import timedelta

from focys.features.feature import Feature
from focys.features.login.attempt import Dependencies, LoginPolicy
from focys.features.login.events import Alarm, Event
from focys.features.login.models import pending_logins
from focys.features.login.notices import FACTOR_ADDED, FACTOR_REMOVED, FACTOR_REPLACED, NEW_BROWSER, UNFINISHED
from focys.features.login.router import FactorResponses, router
from focys.features.login.service import LoginFlow
from focys.features.login.snapshots import Account
from focys.infra.db.retention import kept_for

FEATURE = Feature(
    events=Event,
    alarms=Alarm,
    emails=(NEW_BROWSER, FACTOR_ADDED, FACTOR_REPLACED, FACTOR_REMOVED, UNFINISHED),
    retention=(kept_for(pending_logins.c.expires_at, timedelta(hours=1)),),
    router=router,
)

__all__ = ["FEATURE", "Account", "Dependencies", "FactorResponses", "LoginFlow", "LoginPolicy", "pending_logins"]
