"""The audit event of network limits."""

from focys.features.audit import EventName


class Event(EventName):
    """What an operator did."""

    NETWORK_UNLOCKED = ("network unlocked", "an operator unlocked a network")
