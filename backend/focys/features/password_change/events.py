"""The audit events of changing one's password."""

from focys.features.audit import EventName


class Event(EventName):
    """What happened to a password. A wrong old one is an event of the login."""

    CHANGED = ("password changed", "changed their password")
