"""The audit events of operator actions."""

from focys.features.audit import AlarmName, EventName


class Event(EventName):
    """What an operator did."""

    UNLOCKED = ("MFA unlocked", "an operator unlocked the account")
    MFA_RESET = ("MFA reset", "an operator reset the second step")
    EMAIL_CHANGED = ("email address changed", "an operator changed the address")
    DELETED = ("account deleted", "an operator deleted the account")
    PASSWORD_SET = ("password set", "an operator set a new password")
    KEYS_ROTATED = ("MFA keys rotated", "an operator re-encrypted all secrets")
    ALL_SESSIONS_ENDED = ("all sessions ended", "an operator ended everyone's sessions")
    AUDIT_PRUNED = ("audit pruned", "an operator deleted old events")
    BACKUP_RESTORED = ("backup restored", "an operator restored a backup")


class Alarm(AlarmName):
    """What needs attention."""

    MFA_RESET = "mfa_reset"
