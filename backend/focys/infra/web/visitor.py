"""Who is calling: everything the services may know of a request, and nothing they could decide HTTP by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visitor:
    """One request's origin and cookies.

    ``source`` is the network that limits count by; ``login``, ``browser`` and ``refresh`` are cookie values as sent.
    """

    address: str
    source: str
    agent: str
    request_id: str
    login: str | None = None
    browser: str | None = None
    refresh: str | None = None
