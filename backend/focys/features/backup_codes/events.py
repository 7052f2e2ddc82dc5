"""The audit event of backup codes."""

from focys.features.audit import EventName
from focys.features.factors import REFUSALS


class Event(EventName):
    """What happened at a sign-in."""

    BACKUP_CODE = ("MFA backup code", *REFUSALS)
