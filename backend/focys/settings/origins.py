"""Origins as browsers send them (RFC 6454 section 6.2; WHATWG URL): lowercase, in ASCII, without a default port."""

from urllib.parse import urlsplit

import idna

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_DEFAULT_PORTS = {"http": 80, "https": 443}


def exact_origin(text: str) -> str:
    """Return the origin of an address that has no path.

    Raises:
        ValueError: it is no address with http or https, or has more than an origin.
    """
    parts = urlsplit(text.strip())
    scheme, host, port = parts.scheme, parts.hostname, parts.port
    has_more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if scheme not in _DEFAULT_PORTS or not host or "*" in host or has_more:
        raise ValueError("no origin")
    name = f"[{host}]" if ":" in host else _ascii(host)
    return f"{scheme}://{name}" if port in {None, _DEFAULT_PORTS[scheme]} else f"{scheme}://{name}:{port}"


def _ascii(host: str) -> str:
    return host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
