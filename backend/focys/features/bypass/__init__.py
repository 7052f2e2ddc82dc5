"""Temporary bypasses of the second factor, for emergencies. Started only on the host, audited, and ended automatically.

bypasses.begin(length, reason, operator, address=…)   # for one enrolled user, or for everybody but administrators
bypasses.end(operator, address=…)                     # at once, with the sessions opened under it
claim_under(…)                                        # a sign-in's guard: the bypass is still active

``focys.domain.bypass`` decides who may use a bypass. A session opened under one stores its id, counts as password-only,
and ends with it. Second-factor failures and known browsers are not changed.
"""

from datetime import timedelta

from focys.features.bypass.events import Event
from focys.features.bypass.gauges import read_seconds_left
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
from focys.features.feature import Feature, Gauge
from focys.infra.db.retention import kept_for

FEATURE = Feature(
    events=Event,
    emails=(BEGUN, USED),
    retention=(kept_for(mfa_bypasses.c.ends_at, timedelta(days=90)),),
    gauges=(Gauge(read_seconds_left),),
)

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
