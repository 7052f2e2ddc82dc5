"""The audit events of sessions."""

from focys.features.audit import AlarmName, EventName


class Event(EventName):
    """What happened to a session."""

    REFRESH = ("session refresh", "session continued", "the session was not continued")
    SIGN_OUT = ("sign-out", "signed out")


class Alarm(AlarmName):
    """What needs attention."""

    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105  an alarm's name
