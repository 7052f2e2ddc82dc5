"""Which network a request comes from. Forwarded headers count only from the proxies we were told of."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
_SITE_PREFIX = 64
_UNKNOWN = "unknown"


def client_address(peer: str | None, forwarded_for: str | None, trusted: Sequence[Network]) -> str:
    """Return the client's address: the rightmost entry of X-Forwarded-For that no trusted proxy wrote for itself.

    Anything unusable falls back to the nearest hop that is known.
    """
    nearest = _parse(peer)
    if nearest is None:
        return _UNKNOWN
    for hop in reversed((forwarded_for or "").split(",") if forwarded_for else []):
        if not _is_trusted(nearest, trusted):
            break
        further = _parse(hop.strip())
        if further is None:
            break
        nearest = further
    return str(nearest)


def source_of(address: str) -> str:
    """Return what limits are counted by: the IPv4 address, or the /64 an IPv6 address belongs to."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _SITE_PREFIX), strict=False))
    return str(parsed) if parsed else _UNKNOWN


def _parse(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address((text or "").strip("[]"))
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # A zone (fe80::1%eth0) is free text that means something on its own host only.
    return None if address.scope_id else address.ipv4_mapped or address


def _is_trusted(address: IPv4Address | IPv6Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted if network.version == address.version)
