"""Limits on wrong passwords per network, and detection of password spraying (one password tried on many accounts).

A network is what ``focys.infra.web.client_address.source_of`` returns: an IPv4 address, an IPv6 /64, or ``unknown``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

FAILURES_WINDOW = timedelta(minutes=15)
ACCOUNTS_WINDOW = timedelta(hours=1)
SPRAY_WINDOW = timedelta(hours=1)
NETWORK_PREFIX = {4: 32, 6: 64}
WIDE_PREFIX = {4: 24, 6: 48}
"""A range that one attacker can easily control: a few IPv4 addresses, or one customer's IPv6 prefix."""


def is_network(source: str) -> bool:
    """Return whether a source is an address or a network, and not an operator's console."""
    try:
        ip_network(source)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class NetworkLimit:
    """Wrong passwords per 15 minutes, and different accounts with a wrong password per hour."""

    failures: int
    accounts: int


@dataclass(frozen=True, slots=True)
class NetworkLimits:
    """The usual limits, and higher ones for networks that many of our own users share."""

    usual: NetworkLimit = NetworkLimit(failures=30, accounts=20)
    own: NetworkLimit = NetworkLimit(failures=600, accounts=1000)
    own_networks: Sequence[Network] = ()

    def of(self, source: str) -> NetworkLimit:
        """Return a network's limits."""
        return self.own if self.is_own(source) else self.usual

    def is_own(self, source: str) -> bool:
        """Tell whether a network is within one of OWN_NETWORKS."""
        network = _parse(source) if self.own_networks else None
        return network is not None and any(_is_within(network, own) for own in self.own_networks)


def most_accounts_tried(tried: Iterable[tuple[str, str]], limits: NetworkLimits) -> int:
    """Return the largest number of different accounts tried from one IPv4 /24 or IPv6 /48.

    *tried* holds (account, network) pairs. Our own networks are left out: many people mistype there in the same hour.
    """
    by_network: dict[str, set[str]] = {}
    for account, source in tried:
        by_network.setdefault(source, set()).add(account)
    by_wide: dict[Network, set[str]] = {}
    for source, accounts in by_network.items():
        network = _parse(source)
        if network is not None and not limits.is_own(source):
            wide = network.supernet(new_prefix=WIDE_PREFIX[network.version])
            by_wide.setdefault(wide, set()).update(accounts)
    return max(map(len, by_wide.values()), default=0)


def _parse(source: str) -> Network | None:
    try:
        return ip_network(source)
    except ValueError:
        return None


def _is_within(network: Network, own: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(own, IPv4Network) and network.subnet_of(own)
    return isinstance(own, IPv6Network) and network.subnet_of(own)
