"""Network limits for operators: which networks are near a limit, and how to clear them."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network

from focys.domain.networks import NETWORK_PREFIX, Network, NetworkLimit, NetworkLimits
from focys.features.audit import AuditEvent, Outcome, insert_event, log_event
from focys.features.throttling.events import Event
from focys.features.throttling.networks import NetworkCounters, NetworkError, Usage, Used
from focys.infra.db.database import Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller
from focys.infra.web.client_address import source_of

UNKNOWN = source_of("")
_FORGET_SECONDS = 60


@dataclass(frozen=True, slots=True)
class NetworkUsage:
    """How much of its limits a network has used."""

    network: str
    usage: Usage
    limit: NetworkLimit
    is_own: bool

    @property
    def is_full(self) -> bool:
        """Whether a limit is reached."""
        return any(used.count >= most for used, most in self._limits())

    @property
    def until(self) -> datetime | None:
        """When the last limit that is at least half used resets; None if there is none."""
        return max((used.until for used, most in self._limits() if used.until and 2 * used.count >= most), default=None)

    def _limits(self) -> tuple[tuple[Used, int], ...]:
        return (self.usage.failures, self.limit.failures), (self.usage.accounts, self.limit.accounts)


class Networks:
    """Reads network counters, and clears them for an operator. The caller has authorized the operator."""

    def __init__(self, database: Database, clock: Clock, counters: NetworkCounters, limits: NetworkLimits) -> None:
        self._database, self._clock = database, clock
        self._counters, self._limits = counters, limits

    async def list_near_limit(self) -> list[NetworkUsage]:
        """Return the networks that have used half of a limit or more, those at a limit first.

        Raises:
            NetworkError: the counters cannot be reached.
        """
        all_used = [
            NetworkUsage(network, usage, self._limits.of(network), self._limits.is_own(network))
            for network, usage in (await self._counters.usage()).items()
        ]
        near = [used for used in all_used if used.until is not None]
        return sorted(near, key=lambda used: (not used.is_full, -used.usage.failures.count, used.network))

    async def unlock(self, text: str, operator: Caller) -> tuple[str, bool]:
        """Clear a network's counters; return the network, and whether there was anything to clear.

        Raises:
            NetworkError: the text is not a network, or the counters cannot be reached.
        """
        network = network_named(text)
        if not await self._counters.knows(network):
            return network, False
        event = AuditEvent(Event.NETWORK_UNLOCKED, Outcome.OK, detail=network)
        forgotten = await self._counters.forget(network)
        row = insert_event(event, operator, self._clock.now())
        await self._database.counts(*forgotten, row, seconds=_FORGET_SECONDS)
        log_event(event, operator)
        return network, True

    async def close(self) -> None:
        """Close the store's own connections."""
        await self._counters.close()


def network_named(text: str) -> str:
    """Return the network that an address belongs to, or the named network itself.

    Raises:
        NetworkError: the text is neither.
    """
    text = text.strip()
    if text == UNKNOWN:
        return text
    network = _parse(text)
    if network is None:
        raise NetworkError(f"{text} is not a network: give an IP address, such as 203.0.113.7.")
    if network.prefixlen < NETWORK_PREFIX[network.version]:
        raise NetworkError(f"{text} is more than one network: give one IPv4 address, or one IPv6 /64.")
    return source_of(str(network.network_address))


def _parse(text: str) -> Network | None:
    try:
        # A zone (fe80::1%eth0) is meaningful only on its own host.
        return None if "%" in text else ip_network(text, strict=False)
    except ValueError:
        return None
