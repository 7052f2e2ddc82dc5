"""Which network a request comes from. Forwarded headers count only from the proxies we were told of."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_SITE_PREFIX = 64
_UNKNOWN = "unknown"
_THIS_MACHINE: tuple[Address, ...] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
# As proxies write an address: bare, with a port, or in brackets.
_ENTRY = re.compile(r"([0-9.]+)(?::[0-9]{1,5})?|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)")


def client_address(
    peer: tuple[str, int] | None, forwarded_for: str, trusted: Sequence[Network], most_hops: int | None = None
) -> str:
    """Return the client's address: the rightmost entry of X-Forwarded-For that no trusted proxy wrote for itself.

    At most *most_hops* proxies are believed, if it is given. Anything unusable falls back to the nearest hop that is
    known. A peer without an address came through a socket on this machine.
    """
    entries = [entry.strip() for entry in forwarded_for.split(",")] if forwarded_for else []
    if peer is None or _was_put_there_by_the_server(peer, entries):
        nearest: Address | None = next((here for here in _THIS_MACHINE if _is_trusted(here, trusted)), _THIS_MACHINE[0])
    else:
        nearest = _parse(peer[0])
    if nearest is None:
        return _UNKNOWN
    for passed, entry in enumerate(reversed(entries)):
        if passed == most_hops or not _is_trusted(nearest, trusted):
            break
        found = _ENTRY.fullmatch(entry)
        further = _parse(found[1] or found[2] or found[3]) if found else None
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


def is_shared(address: str, trusted: Sequence[Network]) -> bool:
    """Say whether an address can stand for many people of a public service: a proxy's, or one of an inner network."""
    parsed = _parse(address)
    return parsed is None or not parsed.is_global or _is_trusted(parsed, trusted)


def _was_put_there_by_the_server(peer: tuple[str, int], entries: Sequence[str]) -> bool:
    """Say whether uvicorn has put an entry of X-Forwarded-For in place of a peer on this machine.

    It does so unless it is told not to, under gunicorn too, and takes the rightmost entry that is not this machine. A
    client may have written that; whom to believe is for TRUSTED_PROXIES to say, not for the way the server is started.
    """
    if not entries:
        return False
    read = map(_as_uvicorn_reads, reversed(entries))
    taken = next((entry for entry in read if _raw(entry[0]) not in _THIS_MACHINE), None)
    return tuple(peer) == (taken or _as_uvicorn_reads(entries[0]))


def _as_uvicorn_reads(entry: str) -> tuple[str, int]:
    if entry.startswith("["):
        host, closed, port = entry[1:].partition("]")
        if not closed or (port and not port.startswith(":")):
            return entry, 0
        return host, _port(port[1:]) or 0
    host, _, port = entry.partition(":")
    number = _port(port) if entry.count(":") == 1 else None
    return (entry, 0) if number is None else (host, number)


def _port(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


# The proxy's address is read at each request, and the client's twice; what callers write must not fill the memory.
@lru_cache(maxsize=64)
def _raw(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _parse(text: str) -> Address | None:
    address = _raw(text)
    if not isinstance(address, IPv6Address):
        return address
    # A zone (fe80::1%eth0) is free text that means something on its own host only.
    return None if address.scope_id else address.ipv4_mapped or address


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted if network.version == address.version)
