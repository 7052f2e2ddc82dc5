"""The caller: everything services may know about a request, and nothing specific to HTTP."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Where one request comes from, and its cookies.

    ``network`` is what rate limits count by; ``login``, ``browser`` and ``refresh`` are cookie values as sent.
    """

    address: str
    network: str
    user_agent: str
    request_id: str
    login: str | None = None
    browser: str | None = None
    refresh: str | None = None
