"""Ten single-use codes for the day the phone is gone.

codes, changes = await backup_codes.issue(user_id, now)    # shown once; only Argon2id hashes are kept, one salt a set
codes, changes = await backup_codes.renew(user_id, …)      # the same at a sign-in that finds none left to use
found = await backup_codes.find(user_id, typed)            # -> the row to spend with ``spent(row_id, now)``
"""

from focys.features.backup_codes.factor import BackupCodeFactor
from focys.features.backup_codes.models import backup_codes
from focys.features.backup_codes.notices import RENEWED, USED
from focys.features.backup_codes.repository import all_dropped, everybodys_dropped, left_for, spent
from focys.features.backup_codes.service import (
    BackupCodes,
)
from focys.features.feature import Feature

FEATURE = Feature(mails=(USED, RENEWED))

__all__ = [
    "FEATURE",
    "BackupCodeFactor",
    "BackupCodes",
    "all_dropped",
    "backup_codes",
    "everybodys_dropped",
    "left_for",
    "spent",
]
