"""The audit events of operator actions."""

from focys.features.audit import AlarmName, EventName


class Event(EventName):
    """What an operator did."""

    UNLOCKED = "MFA unlocked"
    MFA_RESET = "MFA reset"
    EMAIL_CHANGED = "email address changed"
    DELETED = "account deleted"
    PASSWORD_SET = "password set"  # noqa: S105  an event's name
    KEYS_ROTATED = "MFA keys rotated"
    ALL_SESSIONS_ENDED = "all sessions ended"
    AUDIT_PRUNED = "audit pruned"
    BACKUP_RESTORED = "backup restored"


class Alarm(AlarmName):
    """What needs attention."""

    MFA_RESET = "mfa_reset"
