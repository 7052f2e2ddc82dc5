"""The audit events of bypasses; the login records each sign-in under one."""

from focys.features.audit import EventName


class Event(EventName):
    """What an operator did."""

    STARTED = "MFA bypass started"
    ENDED = "MFA bypass ended"
