"""What nginx answers without asking anybody, and what it adds where the backend says little: headers once, no version."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from focys.infra.web.headers import API_POLICY, SECURITY_HEADERS
from tests.deploy.front import Front, read_all, running_nginx
from tests.deploy.responses import parsed, sends
from tests.deploy.shipped import DOMAIN

TO_US = f"Host: {DOMAIN}\r\nConnection: close\r\n"
LONG = "a" * 9000
REFUSED_OVER_TLS = {
    "a method of no page": (405, f"OPTIONS / HTTP/1.1\r\n{TO_US}\r\n"),
    "TRACE": (405, f"TRACE /api/auth/status HTTP/1.1\r\n{TO_US}\r\n"),
    "a method nobody knows": (405, f"FOO / HTTP/1.1\r\n{TO_US}\r\n"),
    "CONNECT": (405, f"CONNECT {DOMAIN}:443 HTTP/1.1\r\n{TO_US}\r\n"),
    "no path": (400, f"GET /%zz HTTP/1.1\r\n{TO_US}\r\n"),
    "a line that is no header": (400, f"GET / HTTP/1.1\r\n{TO_US}no header\r\n\r\n"),
    "no request at all": (400, "what is this\r\n\r\n"),
    "another protocol": (505, f"GET / HTTP/3.0\r\n{TO_US}\r\n"),
    "an unmet condition": (412, f'GET / HTTP/1.1\r\n{TO_US}If-Match: "x"\r\n\r\n'),
    "an unknown coding": (501, f"POST /api/auth/login HTTP/1.1\r\n{TO_US}Transfer-Encoding: gzip\r\n\r\n"),
    "a long address": (414, f"GET /api/{LONG} HTTP/1.1\r\n{TO_US}\r\n"),
    "large headers": (431, f"GET /api/auth/status HTTP/1.1\r\n{TO_US}X-Large: {LONG}\r\n\r\n"),
    "a length that is none": (400, f"GET / HTTP/1.1\r\n{TO_US}Content-Length: x\r\n\r\n"),
}
REFUSED_IN_CLEAR = {
    "a call": (403, f"GET /api/auth/status HTTP/1.1\r\n{TO_US}\r\n"),
    "a large body": (413, f"POST /api/auth/login HTTP/1.1\r\n{TO_US}Content-Length: 99999\r\n\r\n{'x' * 99999}"),
    "TRACE": (405, f"TRACE / HTTP/1.1\r\n{TO_US}\r\n"),
    "a length that is none": (400, f"GET / HTTP/1.1\r\n{TO_US}Content-Length: x\r\n\r\n"),
    "large headers": (431, f"GET / HTTP/1.1\r\n{TO_US}X-Large: {LONG}\r\n\r\n"),
}
NAMELESS = {
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
    "no request at all": "what is this\r\n\r\n",
    "another protocol": f"GET / HTTP/3.0\r\n{TO_US}\r\n",
    "a long address": f"GET /{LONG} HTTP/1.1\r\n{TO_US}\r\n",
    "another name": "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n",
}


def _in_clear(port: int, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        plain.sendall(request.encode("latin-1"))
        return read_all(plain)


@pytest.mark.parametrize("name", REFUSED_OVER_TLS)
def test_nginxs_own_errors_carry_every_header_once(lone_front: Front, name: str):
    status, request = REFUSED_OVER_TLS[name]

    response = parsed(lone_front.raw(request))

    assert response.status_code == status
    sends(response, API_POLICY, "no-store")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == status


@pytest.mark.parametrize("name", REFUSED_IN_CLEAR)
def test_nginxs_own_errors_without_tls_carry_every_header_once(lone_front: Front, name: str):
    status, request = REFUSED_IN_CLEAR[name]

    response = parsed(_in_clear(lone_front.plain_port, request))

    assert response.status_code == status
    sends(response, API_POLICY, "no-store", tls=False)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == status


@pytest.mark.parametrize("name", NAMELESS)
def test_a_request_for_another_host_gets_no_response(lone_front: Front, name: str):
    """CFG-05: not even that there is an nginx, in whichever version."""
    assert _in_clear(lone_front.plain_port, NAMELESS[name]) == b""


def test_a_request_without_a_host_over_tls_gets_no_response(lone_front: Front):
    assert lone_front.raw(NAMELESS["no host"]) == b""


def test_plaintext_for_another_host_on_the_tls_port_gets_no_response(lone_front: Front):
    assert _in_clear(lone_front.tls_port, NAMELESS["another name"]) == b""


def test_range_requests_get_the_whole_file(lone_front: Front):
    """WEB-06: nginx would answer a part that is not there with every header twice."""
    response = parsed(lone_front.raw(f"GET / HTTP/1.1\r\n{TO_US}Range: bytes=999999-\r\n\r\n"))

    assert response.status_code == 200
    assert "Accept-Ranges" not in response.headers


class _Terse(BaseHTTPRequestHandler):
    """A backend that answers with the status that is asked for, in plain text, and with nothing a browser needs."""

    def do_GET(self) -> None:
        status, *own = self.path.strip("/").split("/")
        self.send_response(int(status))
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", "0")
        for name in SECURITY_HEADERS if own else ():
            self.send_header(name, "something of its own")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def front_of_a_terse_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Terse) as backend:
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        with running_nginx(tmp_path_factory.mktemp("terse"), backend_port=backend.server_port) as front:
            yield front
        backend.shutdown()


@pytest.mark.parametrize("own", ["", "/own"])
@pytest.mark.parametrize("status", [200, 204, 302, 400, 404, 429, 500, 503])
def test_api_responses_are_never_cached_whatever_the_backend_sends(
    front_of_a_terse_backend: Front, status: int, own: str
):
    received = front_of_a_terse_backend.raw(f"GET /api/{status}{own} HTTP/1.1\r\n{TO_US}\r\n")

    response = parsed(received)

    assert response.status_code == status
    sends(response, API_POLICY, "no-store")


def test_a_backend_that_does_not_respond_is_a_504(tmp_path: Path):
    """AVL-06, WEB-06: 504, with fifteen seconds cut to one."""
    with (
        socket.create_server(("127.0.0.1", 0)) as deaf,
        running_nginx(
            tmp_path,
            backend_port=deaf.getsockname()[1],
            changes={"proxy_read_timeout 15s": "proxy_read_timeout 1s"},
        ) as front,
    ):
        response = parsed(front.raw(f"GET /api/auth/status HTTP/1.1\r\n{TO_US}\r\n"))

    assert response.status_code == 504
    sends(response, API_POLICY, "no-store")
    assert (response.json()["code"], response.headers["Retry-After"]) == ("unavailable", "5")
