"""Backup codes: ten single-use codes for when the phone is lost.

new = await backup_codes.issue(user_id, now)               # shown once; stored as Argon2id hashes, one salt per set
new = await backup_codes.renew(user_id, …)                 # the same, at a sign-in of a user who has none left
found, unspent = await backup_codes.find(user_id, code)     # spend it with ``spent(found.id, now)``

A new set is unsaved until its owner acknowledges it, or uses one of its codes; until then, it can be replaced.
"""

from focys.features.backup_codes.events import Event
from focys.features.backup_codes.factor import BackupCodeFactor
from focys.features.backup_codes.models import backup_codes
from focys.features.backup_codes.notices import RENEWED, REPLACED, USED
from focys.features.backup_codes.repository import all_dropped, everybodys_dropped, left_for, spent, unsaved_for
from focys.features.backup_codes.router import router
from focys.features.backup_codes.service import BackupCodes
from focys.features.backup_codes.unsaved import UnsavedCodes
from focys.features.feature import Feature

FEATURE = Feature(events=Event, emails=(USED, RENEWED, REPLACED), router=router)

__all__ = [
    "FEATURE",
    "BackupCodeFactor",
    "BackupCodes",
    "UnsavedCodes",
    "all_dropped",
    "backup_codes",
    "everybodys_dropped",
    "left_for",
    "spent",
    "unsaved_for",
]
