"""nginx with the shipped file in front of the real backend: what it sends, keeps to itself, and refuses."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from focys.domain.outcome import Reason, Refused
from focys.infra.web.headers import API_POLICY, PAGE_POLICY
from focys.infra.web.http import MAX_BODY_BYTES
from focys.infra.web.replies import refusal
from tests.deploy.front import PAGES, Front
from tests.deploy.responses import sends
from tests.deploy.shipped import DOMAIN
from tests.support.processes import Server

FOREVER = "public, max-age=31536000, immutable"
ASSET = "/assets/" + next(PAGES.glob("assets/index-*.js")).name
LOGIN = "/api/auth/login"
CANARY = "only-outside-of-the-pages"
PAGE = '<div id="root">'

Call = Callable[[httpx.Client], httpx.Response]
ANSWERS: dict[str, tuple[int, str, str, Call]] = {
    "the page": (200, PAGE_POLICY, "no-cache", lambda c: c.get("/")),
    "a path of the page": (200, PAGE_POLICY, "no-cache", lambda c: c.get("/mfa-enroll")),
    "an unknown path": (404, PAGE_POLICY, "no-cache", lambda c: c.get("/server-status")),
    "a hashed file": (200, PAGE_POLICY, FOREVER, lambda c: c.get(ASSET)),
    "another file": (200, PAGE_POLICY, "no-cache", lambda c: c.get("/favicon.svg")),
    "the page, unchanged": (304, PAGE_POLICY, "no-cache", lambda c: c.get("/", headers=_seen(c))),
    "a call": (200, API_POLICY, "no-store", lambda c: c.get("/api/health/live")),
    "a refused call": (401, API_POLICY, "no-store", lambda c: c.get(LOGIN)),
    "an unknown call": (404, API_POLICY, "no-store", lambda c: c.get("/api/nothing")),
    "the bare prefix": (404, API_POLICY, "no-store", lambda c: c.get("/api")),
    "a missing file": (404, API_POLICY, "no-store", lambda c: c.get("/assets/index-gone.js")),
    "a page that is posted to": (405, API_POLICY, "no-store", lambda c: c.post("/login", json={})),
    "a large body": (413, API_POLICY, "no-store", lambda c: c.post(LOGIN, content=_body(MAX_BODY_BYTES + 1))),
    "a long address": (414, API_POLICY, "no-store", lambda c: c.get("/" + "a" * 9000)),
    "large headers": (431, API_POLICY, "no-store", lambda c: c.get("/", headers={"X-Large": "a" * 9000})),
}


def _seen(client: httpx.Client) -> dict[str, str]:
    return {"If-None-Match": client.get("/").headers["ETag"]}


def _body(size: int) -> bytes:
    return b'{"email":"' + b"x" * (size - 12) + b'"}'


@pytest.mark.parametrize("name", ANSWERS)
def test_every_response_carries_the_security_headers_once(client: httpx.Client, name: str):
    status, policy, cache, call = ANSWERS[name]

    response = call(client)

    assert response.status_code == status
    sends(response, policy, cache)


def test_without_a_backend_pages_are_served_and_calls_get_retry_after(lone_front: Front):
    with lone_front.client() as client:
        page, call = client.get("/login"), client.get("/api/auth/status")

    assert page.status_code == 200
    assert call.status_code == 502
    sends(call, API_POLICY, "no-store")
    assert call.headers["Retry-After"] == "5"
    assert call.json() == {**_problem(Reason.UNAVAILABLE, retry_after=5), "status": 502}


def test_a_client_over_the_rate_limit_is_refused_and_nobody_else(front: Front):
    with front.client("127.0.0.9") as greedy, front.client("127.0.0.10") as other:
        refused = next(a for a in (greedy.get("/api/health/live") for _ in range(2000)) if a.status_code == 429)
        served = other.get("/api/health/live")

    sends(refused, API_POLICY, "no-store")
    assert refused.headers["Retry-After"] == "1"
    assert refused.json() == _problem(Reason.THROTTLED, retry_after=1)
    assert served.status_code == 200


def test_the_addresses_of_an_ipv6_network_count_as_one(lone_front: Front):
    def ask(address: str) -> int:
        return client.get("/api/auth/status", headers={"X-Test-Address": address}).status_code

    with lone_front.client() as client:
        responses = [ask(f"2001:db8:0:1::{i:x}") for i in range(1, 400)]
        neighbor = ask("2001:db8:0:2::1")

    assert set(responses) == {502, 429}
    assert neighbor == 502


def test_a_client_may_hold_a_hundred_connections(front: Front, client: httpx.Client):
    """AVL-06: a request whose body does not come stays with nginx."""
    half = f"POST {LOGIN} HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    with ExitStack() as stack, front.client("127.0.0.11") as greedy:
        for _ in range(100):
            stack.enter_context(front.connect(source="127.0.0.11")).sendall(half.encode())

        # Until nginx has read them all.
        refused = next(response for response in (greedy.get("/") for _ in range(1000)) if response.status_code == 429)
        served = client.get("/api/health/live")

    assert refused.json() == _problem(Reason.THROTTLED, retry_after=1)
    assert 'limiting connections by zone "focys_open"' in (front.folder / "error.log").read_text()
    assert served.status_code == 200


@pytest.mark.parametrize("path", ["/", "/login?next=%2Faccount", "/assets/x.js", "/apple"])
def test_without_tls_a_page_is_redirected(client: httpx.Client, path: str):
    response = client.get(f"http://{DOMAIN}{path}")

    assert response.status_code == 301
    assert response.headers["Location"] == f"https://{DOMAIN}{path}"
    sends(response, API_POLICY, "no-store", tls=False)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", LOGIN),
        ("GET", "/api/auth/status"),
        ("DELETE", LOGIN),
        ("POST", "//api/auth/login"),
        ("POST", "/%61pi/auth/login"),
        ("POST", "/"),
        ("PUT", "/login"),
    ],
)
def test_without_tls_a_call_is_refused_and_not_redirected(client: httpx.Client, method: str, path: str):
    response = client.request(method, f"http://{DOMAIN}{path}", content=_body(MAX_BODY_BYTES))

    assert response.status_code == 403
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "https_required"


def test_the_prefix_is_stripped_once(client: httpx.Client):
    known, unknown, doubled = (
        client.get(f"/api/{path}") for path in ("health/live", "auth/nothing", "api/health/live")
    )

    assert known.json() == {"status": "ok"}
    assert [response.status_code for response in (unknown, doubled)] == [404, 404]
    assert all("X-Request-ID" in response.headers for response in (known, unknown, doubled))


def test_a_trailing_slash_is_a_404_and_no_redirect(client: httpx.Client):
    responses = [client.get("/api/auth/status/"), client.post(f"{LOGIN}/", json={})]

    assert [response.status_code for response in responses] == [404, 404]


@pytest.mark.parametrize(
    "path",
    [
        "/api/health/ready",
        "/api/health/ready/",
        "/api/health/ready?x=1",
        "/api//health/ready",
        "//api/health/ready",
        "/api/./health/ready",
        "/api/auth/../health/ready",
        "/x/../api/health/ready",
        "/api/health%2fready",
        "/api%2fhealth%2fready",
        "/api/health/%72eady",
        "/%61pi/health/ready",
        "/api/health/ready%00",
        "/api/health/ready;x",
        "/api/health%252fready",
        f"https://{DOMAIN}/api/health/ready",
        "/api/metrics",
        "/api/metrics/",
        "/api/%6detrics",
        "/api/docs",
        "/api/openapi.json",
    ],
)
def test_internal_endpoints_are_closed_from_outside(front: Front, gunicorn: Server, path: str):
    status, response = front.get(path)

    assert status in {400, 404}, response
    assert "problem+json" in response
    assert httpx.get(f"{gunicorn.url}/health/ready").json() == {"status": "ok"}


def test_nothing_outside_of_the_pages_can_be_read(front: Front):
    (front.folder / "outside.txt").write_text(CANARY)
    (front.folder / "pages" / ".hidden.txt").write_text(CANARY)
    paths = [
        *("/../outside.txt", "/assets/../../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt"),
        *("/assets/..%2f..%2foutside.txt", "/assets../outside.txt", "/..%5coutside.txt", "/..%252foutside.txt"),
        *("//outside.txt", "/%00", "/index.html%00.js", "/.hidden.txt", "/%2ehidden.txt", "/.env", "/.git/config"),
        *("/.vite/manifest.json", "/assets/", "/assets/index.js.map", "/package.json", "/api/../../outside.txt"),
    ]

    responses = {path: front.get(path) for path in paths}

    assert {path: status for path, (status, _) in responses.items() if status not in {400, 404}} == {}
    assert not any(CANARY in response for _, response in responses.values())


@pytest.mark.parametrize("path", ["/", "/login", "/login/", "/totp-verify", "/mfa-enroll", "/api/../login"])
def test_the_path_of_a_page_is_the_page(front: Front, path: str):
    status, response = front.get(path)

    assert status == 200
    assert PAGE in response


@pytest.mark.parametrize("path", ["/docs", "/metrics", "/server-status", "/x/y/z", "/assets", "/a%20b", "/login/x"])
def test_an_unknown_path_is_a_404_with_the_page_that_says_so(front: Front, path: str):
    """WEB-10."""
    status, response = front.get(path)

    assert status == 404
    assert PAGE in response


@pytest.mark.parametrize("path", ["/assets/gone.js", "/assets/gone", "/gone.js", "/login.html", "/x/y.css", "/a.b"])
def test_a_missing_file_is_never_the_page(client: httpx.Client, path: str):
    """WEB-11: a script that is gone must not come back as HTML."""
    response = client.get(path)

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == _problem(Reason.NOT_FOUND)


def test_nginx_and_the_backend_have_the_same_body_limit(client: httpx.Client):
    json = {"Content-Type": "application/json"}
    largest = client.post(LOGIN, content=_body(MAX_BODY_BYTES), headers=json)
    in_pieces = client.post(LOGIN, content=iter([_body(MAX_BODY_BYTES), b" "]), headers=json)
    huge = client.post(LOGIN, content=b"x" * 5_000_000, headers=json)

    assert largest.status_code == 422
    assert [response.status_code for response in (in_pieces, huge)] == [413, 413]
    assert [response.json() for response in (in_pieces, huge)] == [_problem(Reason.PAYLOAD_TOO_LARGE)] * 2


def test_pages_are_compressed_and_api_responses_are_not(client: httpx.Client):
    assert client.get(ASSET).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in client.get("/api/auth/status").headers


SMUGGLED = "GET /api/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
FRAMINGS = {
    "length and chunks": f"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "two lengths": f"Content-Length: 0\r\nContent-Length: 44\r\n\r\n{SMUGGLED}",
    "a list of lengths": f"Content-Length: 0, 44\r\n\r\n{SMUGGLED}",
    "a negative length": f"Content-Length: -1\r\n\r\n{SMUGGLED}",
    "an unknown coding": f"Transfer-Encoding: xchunked\r\n\r\n{SMUGGLED}",
    "two codings": f"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "a space before the colon": f"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "a bad chunk": f"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n{SMUGGLED}",
    "two hosts": "Host: other.example\r\n\r\n",
    "no name in the host": "Host: \r\n\r\n",
}


@pytest.mark.parametrize("name", FRAMINGS)
def test_ambiguous_framing_is_refused_and_the_connection_closed(front: Front, name: str):
    response = front.raw(
        f"POST {LOGIN} HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-Type: application/json\r\n{FRAMINGS[name]}"
    )

    assert response.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ")), response
    assert response.count(b"HTTP/1.1 ") == 1


def _problem(reason: Reason, **known: Any) -> dict[str, Any]:
    """What the backend would say."""
    return dict(httpx.Response(200, content=bytes(refusal(Refused(reason, **known)).body)).json())
