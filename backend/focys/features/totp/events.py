"""The audit events of authenticator apps."""

from focys.features.audit import AlarmName, EventName
from focys.features.factors import REFUSALS


class Event(EventName):
    """What happened at a sign-in."""

    TOTP = ("TOTP", "signed in with a code from the app", "the code from the app was refused", *REFUSALS)


class Alarm(AlarmName):
    """What needs attention."""

    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105  an alarm's name
    CLOCK_BEHIND = "clock_behind"
