"""The audit events of backup codes."""

from focys.features.audit import EventName
from focys.features.factors import REFUSALS


class Event(EventName):
    """What happened to backup codes: one was used to sign in, or all were replaced."""

    BACKUP_CODE = ("MFA backup code", "signed in with a backup code", "the backup code was refused", *REFUSALS)
    REPLACED = ("MFA backup codes replaced", "got new backup codes")
