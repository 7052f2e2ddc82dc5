"""Changing one's own password: needs the old one, and a recent second factor where there is one.

outcome = await passwords.change(session, current, new, caller)    # Changed, Weakness or Refused
weakness = await passwords.judge(session, new)                     # while it is being typed
"""

from focys.features.feature import Feature
from focys.features.password_change.events import Event
from focys.features.password_change.notices import CHANGED
from focys.features.password_change.router import router
from focys.features.password_change.service import PasswordChange

FEATURE = Feature(events=Event, emails=(CHANGED,), router=router)

__all__ = ["CHANGED", "FEATURE", "PasswordChange"]
