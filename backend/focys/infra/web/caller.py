"""The caller: everything services may know about a request, and nothing specific to HTTP."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The source and cookies of one request.

    ``source`` is the network that rate limits count by; ``login``, ``browser`` and ``refresh`` are cookie values as
    sent.
    """

    address: str
    source: str
    agent: str
    request_id: str
    login: str | None = None
    browser: str | None = None
    refresh: str | None = None
