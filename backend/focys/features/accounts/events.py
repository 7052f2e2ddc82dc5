"""The audit events of accounts."""

from focys.features.audit import EventName


class Event(EventName):
    """What happened to an account."""

    CREATED = "account created"
    RENAMED = "account renamed"
    DISABLED = "account disabled"
    ENABLED = "account enabled"
