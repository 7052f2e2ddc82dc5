"""Time-limited bypasses of the second factor, for when it cannot work; started on the host only, audited, self-ending.

bypasses.begin(length, reason, operator, address=…)   # one enrolled person, or everybody but administrators
bypasses.end(operator, address=…)                     # at once, with the sessions opened under it
claim_under(…)                                        # the guard of a sign-in: still in force when it is written

Whom one lets in is ``focys.domain.bypass``. A session opened under it carries its id, is worth a password and no more,
and dies with it. The failures of the second step and the known browsers stay as they are.
"""

from datetime import timedelta

from focys.features.bypass.models import mfa_bypasses
from focys.features.bypass.notices import BEGUN, USED
from focys.features.bypass.repository import (
    NotOver,
    all_bypasses_ended,
    claim_under,
    id_in_force_for,
    not_ended,
    own_bypasses_ended,
)
from focys.features.bypass.service import Bypasses, usage_notice
from focys.features.feature import Feature
from focys.infra.db.retention import kept_for

FEATURE = Feature(mails=(BEGUN, USED), retention=(kept_for(mfa_bypasses.c.ends_at, timedelta(days=90)),))

__all__ = [
    "FEATURE",
    "Bypasses",
    "NotOver",
    "all_bypasses_ended",
    "claim_under",
    "id_in_force_for",
    "mfa_bypasses",
    "not_ended",
    "own_bypasses_ended",
    "usage_notice",
]
