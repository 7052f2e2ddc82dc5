"""What every response of the front must carry, and responses as they came over the wire."""

import httpx

from focys.infra.web.headers import SECURITY_HEADERS

ONLY_OVER_TLS = "Strict-Transport-Security"


def sends(response: httpx.Response, policy: str, cache: str, *, tls: bool = True) -> None:
    """Check that each header came, and once; RFC 6797 section 7.2 forbids one of them in clear text."""
    expected = {**SECURITY_HEADERS, "Content-Security-Policy": policy, "Cache-Control": cache, "Server": "nginx"}
    wanted = {name: [value] for name, value in expected.items()}
    if not tls:
        wanted[ONLY_OVER_TLS] = []
    assert {name: response.headers.get_list(name) for name in expected} == wanted


def parsed(received: bytes) -> httpx.Response:
    """Return the one response of a connection that was then closed."""
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    kept = [(name, value) for name, value in headers if name.lower() != "transfer-encoding"]
    return httpx.Response(int(status.split()[1]), headers=kept, content=body)
