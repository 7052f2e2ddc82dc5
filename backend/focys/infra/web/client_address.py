"""The network a request comes from. Forwarded headers count only if a trusted proxy sent them."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_SITE_PREFIX = 64
_UNKNOWN = "unknown"
_THIS_MACHINE: tuple[Address, ...] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
# Addresses as proxies write them: bare, with a port, or in brackets.
_ENTRY = re.compile(r"([0-9.]+)(?::[0-9]{1,5})?|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)")


def client_address(
    peer: tuple[str, int] | None, forwarded_for: str, trusted: Sequence[Network], most_hops: int | None = None
) -> str:
    """Return the client's address: the rightmost entry of X-Forwarded-For that is not a trusted proxy.

    If *most_hops* is given, at most that many proxies are trusted. If an entry is malformed, the nearest known hop is
    returned. A peer without an address came through a Unix socket on this machine.
    """
    entries = [entry.strip() for entry in forwarded_for.split(",")] if forwarded_for else []
    if peer is None or _was_set_by_uvicorn(peer, entries):
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
    """Return the network that rate limits count by: the IPv4 address, or the /64 of an IPv6 address."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _SITE_PREFIX), strict=False))
    return str(parsed) if parsed else _UNKNOWN


def is_shared(address: str, trusted: Sequence[Network]) -> bool:
    """Tell whether many users can share this address: a trusted proxy's, a private or an unknown one."""
    parsed = _parse(address)
    return parsed is None or not parsed.is_global or _is_trusted(parsed, trusted)


def _was_set_by_uvicorn(peer: tuple[str, int], entries: Sequence[str]) -> bool:
    """Tell whether uvicorn replaced a local peer's address with an entry of X-Forwarded-For.

    By default it does, even under gunicorn, and takes the rightmost entry that is not this machine. A client may have
    written that entry, and TRUSTED_PROXIES must decide whom to trust, not the way the server was started.
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


# Every request parses the proxy's address once and the client's twice. Bounded, because clients choose the text.
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
    # A zone (fe80::1%eth0) is free text that is meaningful only on its own host.
    return None if address.scope_id else address.ipv4_mapped or address


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted if network.version == address.version)
