"""Which sites may call, and which may read the response."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from focys.infra.crypto.hashing import BusyError
from focys.infra.web.http import MAX_BODY_BYTES
from tests.conftest import world_on
from tests.support.acts import state_of
from tests.support.service import Browser, World

Call = Callable[[Browser, dict[str, str]], Awaitable[httpx.Response]]

CREDENTIALS = {"email": "a@b.test", "password": "wrong"}
JSON = {"Content-Type": "application/json"}
PAGE = "http://localhost:5173"
FOREIGN = [
    "null",
    "http://evil.example",
    "https://evil.example",
    "http://localhost:5173.evil.example",
    "http://localhost.evil.example:5173",
    "http://evil-localhost:5173",
    "http://localhost:5174",
    "http://localhost",
    "https://localhost:5173",
    # The requested host with a scheme that is not ours.
    "https://localhost:8000",
    "http://LOCALHOST:5173",
    "http://localhost:5173/",
    "http://localhost:5173, http://evil.example",
    "http://evil.example http://localhost:5173",
    "http://a@localhost:5173",
    "http://127.0.0.1:5173",
    "file://",
    "chrome-extension://abcdef",
    "*",
    "",
]


@pytest.mark.parametrize("path", ["/auth/login", "/auth/refresh", "/auth/logout", "/auth/totp/verify"])
async def test_a_cross_site_call_is_refused_unread(lone_world: World, path: str):
    browser = lone_world.a_browser()

    responses = {origin: await browser.post(path, CREDENTIALS, headers={"Origin": origin}) for origin in FOREIGN}

    assert {origin: response.status_code for origin, response in responses.items()} == dict.fromkeys(FOREIGN, 403)
    assert {response.json()["code"] for response in responses.values()} == {"forbidden_origin"}


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:8000"])
async def test_a_call_from_our_own_pages_is_accepted(lone_world: World, origin: str):
    """WEB-03: CORS_ORIGINS and the service's own address."""
    response = await lone_world.a_browser().post("/auth/login", CREDENTIALS, headers={"Origin": origin})

    assert response.json()["code"] == "invalid_credentials"


async def test_with_a_public_url_only_that_origin_is_accepted(sqlite_url: str):
    async with world_on(sqlite_url, public_url="https://login.example.com", cors_origins=[]) as world:
        browser = Browser(world.app, base_url="https://login.example.com")
        responses = {
            origin: (await browser.post("/auth/login", CREDENTIALS, headers={"Origin": origin})).json()["code"]
            for origin in (
                "https://login.example.com",
                "http://login.example.com",
                "https://example.com",
                "https://www.login.example.com",
                "https://login.example.com.evil.example",
                "https://login.example.com:8443",
                PAGE,
            )
        }

    assert [code for origin, code in responses.items() if code == "invalid_credentials"] == ["invalid_credentials"]
    assert responses["https://login.example.com"] == "invalid_credentials"


@pytest.mark.parametrize(
    ("site", "code"),
    [
        ("same-origin", "invalid_credentials"),
        ("same-site", "forbidden_origin"),
        ("none", "invalid_credentials"),
        (None, "invalid_credentials"),
        ("cross-site", "forbidden_origin"),
        ("Same-Origin", "forbidden_origin"),
        ("", "forbidden_origin"),
        ("anything", "forbidden_origin"),
    ],
)
async def test_without_an_origin_sec_fetch_site_decides(lone_world: World, site: str | None, code: str):
    """WEB-03: a client without these headers, such as curl, is not a browser and brings its own credentials."""
    headers = {} if site is None else {"Sec-Fetch-Site": site}

    response = await a_bare_client(lone_world).post("/auth/login", CREDENTIALS, headers=headers)

    assert response.json()["code"] == code


OURS = {"X-Requested-With": "focys"}
PROVEN = [
    {"Origin": PAGE},
    {"Origin": "http://localhost:8000"},
    {"Sec-Fetch-Site": "same-origin"},
    OURS,
    {"Sec-Fetch-Site": "none", **OURS},
]
UNPROVEN = [
    {},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-site", **OURS},
    {"Sec-Fetch-Site": "cross-site", **OURS},
    {"X-Requested-With": "XMLHttpRequest"},
    {"X-Requested-With": "Focys"},
    {"X-Requested-With": ""},
    {"Referer": f"{PAGE}/"},
    {"Authorization": "Bearer a.b.c"},
    *({"Origin": origin, **OURS} for origin in FOREIGN),
    {"Origin": "https://localhost:8000", "Sec-Fetch-Site": "same-origin"},
]


@pytest.mark.parametrize("headers", PROVEN, ids=str)
async def test_a_cookie_call_that_proves_its_origin_is_accepted(lone_world: World, headers: dict[str, str]):
    """WEB-03: by an exact Origin, or by a header that no page of another site can send."""
    client = await a_signed_in_client(lone_world)

    responses = [await client.post(path, headers=headers) for path in ("/auth/refresh", "/auth/logout")]

    assert [response.status_code for response in responses] == [200, 204]


@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
async def test_a_cookie_call_without_proof_of_origin_is_refused(lone_world: World, path: str):
    """WEB-03: it changes neither token nor session."""
    client = await a_signed_in_client(lone_world)
    lone_world.clock.advance(minutes=1)
    before = await state_of(lone_world)

    for headers in UNPROVEN:
        response = await client.post(path, headers=headers)

        assert (response.status_code, response.json()["code"]) == (403, "forbidden_origin"), headers
        assert "Set-Cookie" not in response.headers, headers
        assert await state_of(lone_world) == before, headers
    assert (await client.post("/auth/refresh", headers=OURS)).status_code == 200


def a_bare_client(world: World) -> Browser:
    """A client that does not say where its calls come from."""
    client = world.a_browser()
    del client.http.headers["X-Requested-With"]
    return client


async def a_signed_in_client(world: World) -> Browser:
    """The same, with the cookies of a session."""
    client, _ = await world.signed_in(await world.an_account(enrolled=True), a_bare_client(world))
    return client


async def test_a_foreign_origin_is_refused_whatever_sec_fetch_site_says(lone_world: World):
    headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}

    response = await lone_world.a_browser().post("/auth/login", CREDENTIALS, headers=headers)

    assert response.json()["code"] == "forbidden_origin"


NOT_JSON = [
    "text/plain",
    "text/plain;application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json-patch+json",
    "application/problem+json",
    "text/json",
    "application/jsonp",
    "application/json, text/plain",
    "",
    None,
]


async def test_only_json_is_accepted(lone_world: World):
    for media_type in NOT_JSON:
        headers = {} if media_type is None else {"Content-Type": media_type}

        response = await lone_world.a_browser().http.post("/auth/refresh", content=b"{}", headers=headers)

        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type"), media_type


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
async def test_json_media_types_are_accepted(lone_world: World, media_type: str):
    response = await lone_world.a_browser().http.post(
        "/auth/refresh", content=b"{}", headers={"Content-Type": media_type}
    )

    assert response.status_code == 204


async def test_canceling_needs_no_body_but_accepts_no_form(lone_world: World):
    browser = lone_world.a_browser()

    assert (await browser.http.delete("/auth/login")).status_code == 204
    assert (await browser.http.delete("/auth/login", headers={"Content-Type": "text/plain"})).status_code == 415
    assert (await browser.http.delete("/auth/login", headers={"Origin": "http://evil.example"})).status_code == 403


async def test_another_site_may_not_read_a_response(lone_world: World):
    browser = lone_world.a_browser()
    for origin in FOREIGN:
        asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}

        simple = await browser.get("/auth/status", headers={"Origin": origin})
        preflight = await browser.http.options("/auth/login", headers=asks)

        assert "Access-Control-Allow-Origin" not in simple.headers, origin
        assert "Access-Control-Allow-Origin" not in preflight.headers, origin
        assert preflight.status_code == 400, origin


async def test_a_configured_origin_may_read_with_cookies(lone_world: World):
    browser = lone_world.a_browser()
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization,x-requested-with",
    }

    simple = await browser.get("/auth/status", headers={"Origin": PAGE})
    preflight = await browser.http.options("/auth/login", headers={"Origin": PAGE, **asked})

    for response in (simple, preflight):
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert "Origin" in response.headers["Vary"]
    assert {"GET", "POST", "DELETE"} == set(preflight.headers["Access-Control-Allow-Methods"].split(", "))
    assert "Retry-After" in simple.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    ("method", "header"), [("PUT", "content-type"), ("PATCH", "content-type"), ("POST", "x-evil"), ("POST", "cookie")]
)
async def test_a_preflight_allows_only_what_the_pages_use(lone_world: World, method: str, header: str):
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": header}

    response = await lone_world.a_browser().http.options("/auth/login", headers={"Origin": PAGE, **asked})

    assert response.status_code == 400


def failing_with(fault: Exception) -> Callable[..., Awaitable[Any]]:
    async def fail(*_: object, **__: object) -> Any:
        raise fault

    return fail


REFUSALS: dict[str, tuple[int, Call]] = {
    "a foreign host": (400, lambda b, h: b.get("/auth/status", headers={**h, "Host": "evil.example"})),
    "a wrong password": (401, lambda b, h: b.post("/auth/login", CREDENTIALS, headers=h)),
    "no login": (401, lambda b, h: b.get("/auth/login", headers=h)),
    "an unknown path": (404, lambda b, h: b.get("/auth/nothing", headers=h)),
    "a wrong method": (405, lambda b, h: b.get("/auth/totp/verify", headers=h)),
    "a large body": (413, lambda b, h: b.post("/auth/login", {"email": "x" * MAX_BODY_BYTES}, headers=h)),
    "a large body in parts": (413, lambda b, h: b.http.post("/auth/login", content=in_parts(), headers={**h, **JSON})),
    "a form": (415, lambda b, h: b.http.post("/auth/login", data={"email": "a@b.test"}, headers=h)),
    "an empty object": (422, lambda b, h: b.post("/auth/login", {}, headers=h)),
}
FAULTS: dict[str, tuple[int, Exception]] = {
    "a fault": (500, RuntimeError("boom")),
    "a database that is away": (503, ConnectionRefusedError()),
    "no room for another hash": (503, BusyError()),
}


async def in_parts() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b" " * (MAX_BODY_BYTES // 2)


@pytest.mark.parametrize("name", REFUSALS)
async def test_every_refusal_is_readable_from_a_configured_origin_only(lone_world: World, name: str):
    """WEB-04: otherwise the page shows a broken network where a sentence belongs."""
    status, call = REFUSALS[name]
    browser = lone_world.a_browser()

    own, nobody = await call(browser, {"Origin": PAGE}), await call(browser, {})
    foreign = {origin: await call(browser, {"Origin": origin}) for origin in FOREIGN}

    assert own.status_code == nobody.status_code == status
    assert_readable(own)
    for origin, response in {"none": nobody, **foreign}.items():
        assert "Access-Control-Allow-Origin" not in response.headers, origin


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_is_readable_from_a_configured_origin_only(
    lone_world: World, monkeypatch: pytest.MonkeyPatch, name: str
):
    status, fault = FAULTS[name]
    monkeypatch.setattr(lone_world.services.login, "start", failing_with(fault))

    await assert_only_the_page_reads(lone_world, status)


async def test_throttling_is_readable_from_a_configured_origin_only(lone_world: World):
    """WEB-04: with the seconds to wait."""
    browser = lone_world.a_browser()
    for _ in range(5):
        await browser.post("/auth/login", CREDENTIALS)

    response = await assert_only_the_page_reads(lone_world, 429)

    assert int(response.headers["Retry-After"]) > 0


async def test_a_preflight_to_a_foreign_host_is_refused(lone_world: World):
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Host": "evil.example"}

    response = await lone_world.a_browser().http.options("/auth/login", headers=asked)

    assert (response.status_code, response.json()["code"]) == (400, "unknown_host")
    assert "Access-Control-Allow-Methods" not in response.headers


async def assert_only_the_page_reads(world: World, status: int) -> httpx.Response:
    """Sign in from the page, from foreign ones and from no page at all; return what the page is answered."""
    browser = world.a_browser()
    own, nobody = [await browser.post("/auth/login", CREDENTIALS, headers=h) for h in ({"Origin": PAGE}, {})]
    foreign = [await browser.post("/auth/login", CREDENTIALS, headers={"Origin": origin}) for origin in FOREIGN]

    assert own.status_code == nobody.status_code == status
    assert_readable(own)
    assert not any("Access-Control-Allow-Origin" in response.headers for response in [nobody, *foreign])
    return own


def assert_readable(response: httpx.Response) -> None:
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert response.headers["Access-Control-Expose-Headers"] == "Retry-After, X-Request-ID"
    assert "Origin" in response.headers["Vary"]
