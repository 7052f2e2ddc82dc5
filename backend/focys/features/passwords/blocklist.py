"""Commonly used and breached passwords: a bundled list, and a breach service that sees five digits of the hash."""

from functools import cache
from hashlib import sha1

import httpx
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from focys.infra.ops.logs import logger

_TIMEOUT_SECONDS = 2
_PREFIX = 5

_log = logger("focys.passwords")


@cache
def _bundled() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])


async def is_known(password: str, breach_url: str) -> bool:
    """Return whether *password* is on the bundled list of 30,000, or known to the breach service, if one is configured.

    If the service cannot be reached, only the bundled list counts.
    """
    if password.lower() in _bundled():
        return True
    return bool(breach_url) and await _is_breached(password, breach_url)


async def _is_breached(password: str, breach_url: str) -> bool:
    digest = sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
            response = await client.get(f"{breach_url.rstrip('/')}/{digest[:_PREFIX]}", headers={"Add-Padding": "true"})
            response.raise_for_status()
    except httpx.HTTPError as fault:
        _log.warning("breach_service_unreachable", kind=type(fault).__name__)
        return False
    rows = (line.strip().partition(":") for line in response.text.splitlines())
    return any(suffix == digest[_PREFIX:] and count.strip() != "0" for suffix, _, count in rows)
