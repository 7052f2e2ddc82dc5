"""The audit events of people who look after their own account."""

from focys.features.audit import EventName


class Event(EventName):
    """What someone did to their own account."""

    SESSION_ENDED = ("session ended", "signed a browser out")
    OTHERS_ENDED = ("other sessions ended", "signed all other browsers out")
