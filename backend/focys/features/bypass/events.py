"""The audit events of bypasses; the login records each sign-in under one."""

from focys.features.audit import EventName


class Event(EventName):
    """What an operator did."""

    STARTED = ("MFA bypass started", "an operator let the person sign in without the second step")
    ENDED = ("MFA bypass ended", "an operator required the second step again")
