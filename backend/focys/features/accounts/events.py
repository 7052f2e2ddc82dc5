"""The audit events of accounts."""

from focys.features.audit import EventName


class Event(EventName):
    """What happened to an account."""

    CREATED = ("account created", "an operator created the account")
    RENAMED = ("account renamed", "an operator changed the name")
    DISABLED = ("account disabled", "an operator disabled the account")
    ENABLED = ("account enabled", "an operator enabled the account")
