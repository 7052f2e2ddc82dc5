"""What every response carries, errors included."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from focys.infra.web.headers import SECURITY_HEADERS
from focys.infra.web.http import MAX_BODY_BYTES
from tests.conftest import world_on
from tests.support.raw import raw_request
from tests.support.service import Browser, World

EXPECTED = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
Call = Callable[[Browser], Awaitable[httpx.Response]]

CALLS: dict[str, tuple[int, Call]] = {
    "a success": (200, lambda b: b.get("/health/live")),
    "the status": (200, lambda b: b.get("/auth/status")),
    "nothing to say": (204, lambda b: b.post("/auth/logout")),
    "a foreign host": (400, lambda b: b.get("/auth/status", headers={"Host": "evil.example"})),
    "no login": (401, lambda b: b.get("/auth/login")),
    "no bearer": (401, lambda b: b.get("/auth/me")),
    "a wrong password": (401, lambda b: b.post("/auth/login", {"email": "a@b.test", "password": "x"})),
    "a foreign origin": (403, lambda b: b.post("/auth/login", headers={"Origin": "http://evil.example"})),
    "an unknown path": (404, lambda b: b.get("/auth/nothing")),
    "the bare root": (404, lambda b: b.get("/")),
    "a wrong method": (405, lambda b: b.get("/auth/totp/verify")),
    "a large body": (413, lambda b: b.post("/auth/login", {"email": "x" * MAX_BODY_BYTES})),
    "a form": (415, lambda b: b.http.post("/auth/login", data={"email": "a@b.test"})),
    "an empty object": (422, lambda b: b.post("/auth/login", {})),
    "no JSON": (
        422,
        lambda b: b.http.post("/auth/login", content=b"{", headers={"Content-Type": "application/json"}),
    ),
    "a preflight": (
        200,
        lambda b: b.http.options(
            "/auth/login", headers={"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST"}
        ),
    ),
    "a foreign preflight": (
        400,
        lambda b: b.http.options(
            "/auth/login", headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
        ),
    ),
}


@pytest.fixture
async def browser(lone_world: World) -> Browser:
    return lone_world.a_browser()


@pytest.mark.parametrize("name", CALLS)
async def test_every_response_carries_the_security_headers(browser: Browser, name: str):
    status, call = CALLS[name]

    response = await call(browser)

    assert response.status_code == status
    assert {name: response.headers.get(name) for name in EXPECTED} == EXPECTED


@pytest.mark.parametrize(
    "fault", [RuntimeError("boom"), OperationalError("SELECT 1", {}, Exception("gone")), OSError()]
)
async def test_faults_carry_the_security_headers_and_no_details(
    lone_world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception
):
    async def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(lone_world.services.sessions, "refresh", fail)

    response = await lone_world.a_browser().post("/auth/refresh")

    known = (500, "internal") if isinstance(fault, RuntimeError) else (503, "unavailable")
    assert (response.status_code, response.json()["code"]) == known
    assert {name: response.headers.get(name) for name in EXPECTED} == EXPECTED
    assert response.headers["Content-Type"] == "application/problem+json"
    assert not any(
        word in response.text for word in ("boom", "SELECT", "gone", "Traceback", "RuntimeError", "OperationalError")
    )
    assert response.headers.get("Retry-After") == ("5" if known[0] == 503 else None)


@pytest.mark.parametrize(
    "name", [name for name, (status, _) in CALLS.items() if status >= 400 and "preflight" not in name]
)
async def test_every_error_is_a_problem_document(browser: Browser, name: str):
    """RFC 9457."""
    response = await CALLS[name][1](browser)

    problem = response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == f"urn:focys:problem:{problem['code']}"
    assert problem["status"] == response.status_code
    assert problem["title"]
    assert problem["detail"].endswith(".")


async def test_every_response_has_its_own_request_id(browser: Browser):
    """LOG-01: a caller can name the request that an event in the log belongs to; it cannot choose the number."""
    headers = {"X-Request-ID": "chosen-by-the-caller"}
    responses = [await browser.get("/health/live", headers=headers) for _ in range(3)]

    assert len({response.headers["X-Request-ID"] for response in responses} - {"chosen-by-the-caller"}) == 3


def test_every_sent_security_header_is_checked():
    assert {name.lower() for name in SECURITY_HEADERS} <= set(EXPECTED)


async def test_a_wrong_method_lists_the_allowed_ones(browser: Browser):
    """RFC 9110 section 15.5.6."""
    response = await browser.get("/auth/totp/verify")

    assert response.headers["Allow"] == "POST"


HOSTS = ["localhost", "localhost:8000", "LOCALHOST:8000", "localhost.:8000", "127.0.0.1:9000", "[::1]:8000"]
FOREIGN_HOSTS = [
    "",
    "evil.example",
    "localhost.evil.example",
    "evil.example:8000",
    "localhost@evil.example",
    "evil.example@localhost",
    "localhost/evil.example",
    "localhost/@evil.example",
    "localhost?evil.example",
    "localhost#evil.example",
    "localhost, evil.example",
    "localhost evil.example",
    "[::1",
    "::1",
    "127.0.0.2",
    "0.0.0.0",
    "localhost\\evil.example",
    "localhost:80:90",
    "localhost:x",
]


async def test_only_known_hosts_are_served(browser: Browser):
    ours = {host: await browser.get("/health/live", headers={"Host": host}) for host in HOSTS}
    foreign = {host: await browser.get("/auth/status", headers={"Host": host}) for host in FOREIGN_HOSTS}

    assert {host: response.status_code for host, response in ours.items()} == dict.fromkeys(HOSTS, 200)
    assert {host: response.status_code for host, response in foreign.items()} == dict.fromkeys(FOREIGN_HOSTS, 400)
    assert {response.json()["code"] for response in foreign.values()} == {"unknown_host"}


async def test_a_request_without_a_host_is_refused(lone_world: World):
    response = await raw_request(lone_world.app, "/auth/status", host=None)

    assert response.status_code == 400


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_probes_may_ask_by_address(browser: Browser, path: str):
    got = await browser.get(path, headers={"Host": "10.0.0.5:8000"})
    head = await browser.http.head(path, headers={"Host": "10.0.0.5:8000"})

    assert (got.status_code, head.status_code) == (200, 200)


async def test_subdomains_can_be_left_out_of_hsts(sqlite_url: str):
    """WEB-06: at a bare domain, other names may have no TLS."""
    async with world_on(sqlite_url, hsts_include_subdomains=False) as world:
        response = await world.a_browser().get("/health/live")

    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
