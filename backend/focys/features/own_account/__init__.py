"""What people see and end of their own account: where they are signed in, and what happened.

GET /account/sessions                # the live sessions of the caller
DELETE /account/sessions/{id}        # end one of them; needs a recent verification
POST /account/sessions/end-others    # end all but this one; the same, because a session may be stolen
GET /account/activity                # the audit events of the caller, newest first
"""

from focys.features.feature import Feature
from focys.features.own_account.events import Event
from focys.features.own_account.router import router
from focys.features.own_account.service import OwnAccount

FEATURE = Feature(events=Event, router=router)

__all__ = ["FEATURE", "OwnAccount"]
