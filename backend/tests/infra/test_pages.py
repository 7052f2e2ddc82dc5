"""Pages and API in one process: the page for every path of its own, and for nothing else."""

import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from focys.infra.web.headers import PAGE_POLICY, SECURITY_HEADERS
from focys.infra.web.pages import PAGE_PATHS
from tests.deploy.shipped import ROOT, SITE
from tests.support.raw import raw_request

FRONTEND = ROOT / "frontend" / "src"
PAGE = '<div id="root">'
# Numbers without names, for the operator's own network: the proxy keeps them from everybody else.
METRICS = {"/metrics"}
PROBES = [
    "/docs",
    "/redoc",
    "/openapi.json",
    "/swagger.json",
    "/debug",
    "/assets/index-1a2b3c.js.map",
    "/.env",
    "/.git/config",
    "/../secret_key",
    "/..%2fsecret_key",
    "/%2e%2e/secret_key",
    "/assets/../../secret_key",
    "/assets/..%2f..%2fsecret_key",
    "/..\\secret_key",
    "//etc/passwd",
    "/%00",
    "/index.html%00.js",
    "/secret_key",
    "/var/secret_key",
    "/focys.db",
    "/package.json",
    "/" + "a" * 5000,
    "/%ff%fe",
    "/%0d%0aSet-Cookie:x=1",
]


@pytest.fixture
def caller(site: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=site), base_url="http://localhost:8000")


@pytest.mark.parametrize("path", ["/", *(f"/{path}" for path in sorted(PAGE_PATHS - {"."})), "/login/"])
async def test_every_page_path_is_served_with_a_strict_policy(caller: httpx.AsyncClient, path: str):
    response = await caller.get(path)

    assert response.status_code == 200
    assert PAGE in response.text
    assert response.headers["Content-Security-Policy"] == PAGE_POLICY
    assert response.headers["Cache-Control"] == "no-cache"
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize("path", ["/docs", "/metrics", "/server-status", "/x/y/z", "/login/x", "/mfa/enroll"])
async def test_an_unknown_path_is_a_404_with_the_page_that_says_so(caller: httpx.AsyncClient, path: str):
    """WEB-10."""
    seen = (await caller.get("/")).headers["ETag"]

    responses = [await caller.get(path, headers=headers) for headers in ({}, {"If-None-Match": "other"})]

    assert [response.status_code for response in responses] == [404, 404]
    assert all(PAGE in response.text for response in responses)
    assert (await caller.get(path, headers={"If-None-Match": seen})).status_code in {304, 404}
    assert responses[0].headers["Content-Security-Policy"] == PAGE_POLICY
    assert responses[0].headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/.vite/manifest.json", "/.well-known/x", "/assets/.hidden"])
async def test_hidden_files_are_not_served(caller: httpx.AsyncClient, pages: Path, path: str):
    """WEB-10: the manifest of the build lists every source file."""
    (pages / ".vite").mkdir()
    (pages / ".vite" / "manifest.json").write_text("{}")
    (pages / "assets" / ".hidden").write_text("x")

    response = await caller.get(path)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_the_pages_the_service_and_nginx_agree_on_the_paths():
    steps = re.findall(r'"(/[\w/-]*)"', (FRONTEND / "lib" / "steps.ts").read_text())
    signed_in = re.findall(r'^  "(/[\w/-]*)":', (FRONTEND / "signedInPages.ts").read_text(), flags=re.MULTILINE)
    (in_nginx,) = re.findall(r"location ~ \^/\(([\w|/-]+)\)\?/\?\$", SITE.read_text())

    assert {path.strip("/") or "." for path in (*steps, *signed_in)} == PAGE_PATHS
    assert {*in_nginx.split("|"), "."} == PAGE_PATHS


@pytest.mark.parametrize("kind", ["js", "css"])
async def test_scripts_and_styles_are_compressed(caller: httpx.AsyncClient, pages: Path, kind: str):
    content = b"a long line of code; " * 1000
    (pages / "assets" / f"long-1a2b3c.{kind}").write_bytes(content)

    response = await caller.get(f"/assets/long-1a2b3c.{kind}", headers={"Accept-Encoding": "gzip"})

    assert (response.headers["Content-Encoding"], response.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert response.num_bytes_downloaded < len(content) / 2
    assert response.content == content


def test_the_content_security_policy_of_the_pages():
    directives = dict(part.strip().partition(" ")[::2] for part in PAGE_POLICY.split(";"))

    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
        "require-trusted-types-for": "'script'",
    }
    assert "unsafe" not in PAGE_POLICY


@pytest.mark.parametrize("name", ["index-1a2b3c.js", "index-1a2b3c.css"])
async def test_a_hashed_file_is_immutable_and_has_the_headers(caller: httpx.AsyncClient, name: str):
    response = await caller.get(f"/assets/{name}")

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Security-Policy"] == PAGE_POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/assets/gone.js", "/assets/gone", "/assets/../index.html.gz", "/gone.js", "/a/b.css", "/robots.txt"],
)
async def test_a_missing_file_is_a_404_not_the_page(caller: httpx.AsyncClient, path: str):
    response = await caller.get(path)

    assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")
    assert PAGE not in response.text
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/auth", "/api/auth/login/x", "/api//auth/status", "/api/index.html"]
)
async def test_a_missing_api_path_is_a_404_not_the_page(caller: httpx.AsyncClient, path: str):
    response = await caller.get(path)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_the_api_is_served_under_its_prefix(caller: httpx.AsyncClient):
    status = await caller.get("/api/auth/status")
    wrong = await caller.post("/api/auth/login", json={"email": "a@b.test", "password": "x"})

    assert {**status.json(), "branding": None} == {
        "app_name": "FOCYS",
        "branding": None,
        "signed_in": False,
        "login": None,
    }
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
    assert status.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_probing_paths_find_nothing(site: Starlette, prefix: str):
    responses = {path: await raw_request(site, f"{prefix}{path}") for path in PROBES}

    # Without a dot in its last part a path belongs to the page, which says nothing.
    served = {path for path, response in responses.items() if response.status_code != 404} - METRICS
    assert served <= {path for path in PROBES if not prefix and responses[path].text.endswith(f"{PAGE}</div>")}
    assert not any("outside the pages" in response.text for response in responses.values())
    assert not any("Set-Cookie" in response.headers for response in responses.values())


@pytest.mark.parametrize("path", ["/assets", "/assets/", "/assets/."])
async def test_directories_are_not_listed(site: Starlette, path: str):
    response = await raw_request(site, path)

    assert "index-1a2b3c" not in response.text
    assert "immutable" not in response.headers["Cache-Control"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_pages_are_read_only(caller: httpx.AsyncClient, method: str):
    response = await caller.request(method, "/", headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


async def test_pages_are_served_for_known_hosts_only(caller: httpx.AsyncClient):
    assert (await caller.get("/", headers={"Host": "evil.example"})).status_code == 400


async def test_an_unchanged_page_is_not_sent_again(caller: httpx.AsyncClient):
    first = await caller.get("/")

    again = await caller.get("/", headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304
    assert again.headers["Content-Security-Policy"] == PAGE_POLICY


async def test_the_page_loads_nothing_from_elsewhere(caller: httpx.AsyncClient):
    """WEB-11: the policy is what enforces it; it names no host."""
    policy = (await caller.get("/")).headers["Content-Security-Policy"]

    assert not re.search(r"https?:|\*", policy)
