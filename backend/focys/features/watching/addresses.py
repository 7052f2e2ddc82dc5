"""Detects that all users seem to share one address: TRUSTED_PROXIES is wrong, and they share one rate limit."""

from collections.abc import Sequence

from focys.features.sessions import Sessions
from focys.infra.ops import metrics
from focys.infra.ops.logs import logger
from focys.infra.web.client_address import Network, is_shared

_log = logger("focys.watching")


class AddressWatch:
    """Checks the addresses of the last day's sessions."""

    def __init__(self, sessions: Sessions, trusted: Sequence[Network]) -> None:
        self._sessions, self._trusted = sessions, trusted

    async def look(self) -> int:
        """Return how many users share an address that cannot be their own, and log a warning if any do."""
        found = await self._sessions.lone_address()
        people = found[0] if found is not None and is_shared(found[1], self._trusted) else 0
        metrics.SHARED_ADDRESS.set(people)
        if people:
            _log.warning(
                "everybody_shares_an_address", people=people, fix="set TRUSTED_PROXIES to the address of your proxy"
            )
        return people
