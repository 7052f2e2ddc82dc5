"""What is typed is checked before it is used, and never repeated."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from focys.features.accounts import users
from focys.infra.web.http import MAX_BODY_BYTES, RequestGuard
from tests.conftest import settings_for
from tests.support.raw import raw_request
from tests.support.rows import count_of, rows_of
from tests.support.service import AS_OUR_PAGE, PASSWORD, Browser, World

CALLS: dict[str, dict[str, Any]] = {
    "/auth/login": {"email": "alice@student.com", "password": PASSWORD},
    "/auth/email-code/verify": {"code": "123456"},
    "/auth/email-code/resend": {},
    "/auth/mfa/enroll": {"restart": True},
    "/auth/mfa/confirm": {"code": "123456"},
    "/auth/totp/verify": {"code": "123456"},
    "/auth/backup-code/verify": {"code": "ABCD-EFGH-JKMN-PQRS"},
    "/auth/refresh": {},
    "/auth/logout": {},
}
FIELDS = [(path, name) for path, body in CALLS.items() for name in body]
ODD = [None, 0, 1.5, True, [], {}, [1], {"$ne": ""}, [["x"]], "", "x" * 5000]
UNPRINTABLE = ["\x00", "a\x00b", "\x1b[31m", "\r\n", "\ud800", "\udfff", "\u202e", "\u2066x", "\x7f", "\x85"]


@pytest.fixture
def browser(lone_world: World) -> Browser:
    return lone_world.a_browser()


def assert_names_fields_only(response: httpx.Response, sent: object) -> None:
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "invalid_request"), response.text
    assert problem["errors"]
    assert all(set(error) == {"field", "message"} for error in problem["errors"])
    assert all(error["message"].endswith(".") for error in problem["errors"])
    text = sent if isinstance(sent, str) else json.dumps(sent)
    assert len(text) < 4 or text not in response.text


@pytest.mark.parametrize(("path", "field"), FIELDS)
async def test_a_value_of_the_wrong_type_is_refused_by_field(browser: Browser, path: str, field: str):
    for value in ODD:
        if value is True and field == "restart":
            continue
        response = await browser.post(path, {**CALLS[path], field: value})

        assert_names_fields_only(response, value)
        assert {error["field"] for error in response.json()["errors"]} <= {field, "body"}


ENCODINGS = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1"]


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_a_body_that_is_not_utf8_is_refused(browser: Browser, encoding: str):
    """INP-04: RFC 8259 section 8.1."""
    body = json.dumps({**CALLS["/auth/login"], "password": "kühl"}, ensure_ascii=False).encode(encoding)

    response = await browser.http.post("/auth/login", content=body, headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


UNKNOWN = (
    *(
        "role",
        "user_id",
        "user",
        "mfa_enabled",
        "step",
        "is_admin",
        "secret",
        "to",
        "now",
        "digits",
        "period",
        "algorithm",
    ),
    *("__proto__", "x" * 100, "\u202e", "a b"),
)


@pytest.mark.parametrize("path", CALLS)
async def test_an_unknown_field_is_refused_without_its_value(browser: Browser, path: str):
    """FLOW-04, TOTP-02, TOTP-08: the client sets neither the user, nor the secret, nor its parameters, nor the time."""
    for name in UNKNOWN:
        response = await browser.post(path, {**CALLS[path], name: "canary-value"})

        assert_names_fields_only(response, "canary-value")


@pytest.mark.parametrize(("path", "field"), [(path, field) for path, field in FIELDS if field != "restart"])
async def test_control_characters_are_refused(browser: Browser, path: str, field: str):
    for text in UNPRINTABLE:
        content = json.dumps({**CALLS[path], field: f"a{text}@b.test"}).encode()

        response = await browser.http.post(path, content=content, headers={"Content-Type": "application/json"})

        assert (response.status_code, response.json()["code"]) == (422, "invalid_request"), ascii(text)


@pytest.mark.parametrize("length", [None, b"10", b"999999", "²".encode("latin-1"), b"-1", b"abc", b"9" * 20])
async def test_a_large_body_is_refused_whatever_its_content_length(lone_world: World, length: bytes | None):
    headers = [(b"content-type", b"application/json"), *([(b"content-length", length)] if length is not None else [])]
    chunks = [b"x" * 4096] * 5

    response = await raw_request(lone_world.app, "/auth/login", method="POST", headers=headers, chunks=chunks)

    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


async def test_a_slow_body_is_cut_off(lone_world: World, monkeypatch: pytest.MonkeyPatch):
    """AVL-06: the time is that of the whole body, and what else would come of it is not waited for."""
    monkeypatch.setattr("focys.infra.web.http.BODY_SECONDS", 0.2)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"9000")]

    response = await raw_request(
        lone_world.app, "/auth/login", method="POST", headers=headers, chunks=[b" "] * 900, seconds=0.05
    )

    assert (response.status_code, response.json()["code"]) == (408, "request_timeout")
    assert response.headers["Connection"] == "close"


async def test_a_request_refused_unread_closes_its_connection(lone_world: World):
    """AVL-06: the rest of its body could come drop by drop."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"9000")]

    refused = await raw_request(lone_world.app, "/auth/login", method="POST", headers=headers)
    served = await raw_request(lone_world.app, "/health/live")

    assert (refused.status_code, refused.headers["Connection"]) == (415, "close")
    assert "Connection" not in served.headers


async def test_a_response_that_does_not_start_in_time_is_a_503(lone_world: World, monkeypatch: pytest.MonkeyPatch):
    ended = []

    async def hang(*_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    monkeypatch.setattr("focys.infra.web.http.REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(lone_world.services.login, "start", hang)

    response = await lone_world.a_browser().post("/auth/login", {"email": "dana@student.com", "password": "x"})

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert response.headers["Retry-After"] == "5"
    assert ended == [True]


async def test_a_started_response_may_take_longer(monkeypatch: pytest.MonkeyPatch):
    """AVL-06: somebody on a slow line gets the whole page."""

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.4)
        await send({"type": "http.response.body", "body": b"all of it"})

    monkeypatch.setattr("focys.infra.web.http.REQUEST_SECONDS", 0.2)

    response = await raw_request(RequestGuard(slow, settings_for("sqlite:///x.db")), "/")

    assert (response.status_code, response.text) == (200, "all of it")


async def test_an_endless_body_is_cut_off_at_the_limit(lone_world: World):
    """INP-04: no more is taken in than may be kept."""
    chunks = [b" " * 4096] * 1000

    response = await raw_request(
        lone_world.app, "/auth/login", method="POST", headers=[(b"content-type", b"application/json")], chunks=chunks
    )

    assert response.status_code == 413
    assert len(chunks) == 1000


async def test_a_body_just_within_the_limit_is_accepted(browser: Browser):
    content = json.dumps({"email": "a@b.test", "password": "x"}).encode().ljust(MAX_BODY_BYTES)

    response = await browser.http.post("/auth/login", content=content, headers={"Content-Type": "application/json"})

    assert response.json()["code"] == "invalid_credentials"


@pytest.mark.parametrize(
    "typed",
    [
        "alice@student.com",
        "ALICE@student.com",
        "Alice@Student.COM",
        " alice@student.com ",
        "alice@STUDENT.com",
        "alice@\uff53tudent.com",
        "alice@student\u3002com",
    ],
)
async def test_every_spelling_of_an_address_is_the_same_account(world: World, typed: str):
    account = await world.an_account()

    response = await world.a_browser().post("/auth/login", {"email": typed, "password": account.password})

    assert response.json()["step"] == "email_code"
    with pytest.raises(Exception, match="already an account"):
        await world.an_account(typed)
    assert await count_of(world, users) == 1


NO_ADDRESSES = [
    "alíce@student.com",
    "\u0430lice@student.com",
    "\uff41lice@student.com",
    "Alice <alice@student.com>",
    "a" * 5000,
    "",
    "alice@student.com.",
    "alice@student",
    "alice",
    "@student.com",
    "alice@",
    "alice@@student.com",
    "alice @student.com",
    '"alice"@student.com',
    "alice@[127.0.0.1]",
    "alice@student..com",
    "alice@-student.com",
    "alice@student.com,bob@student.com",
    "alice@student.com\nbcc:bob@student.com",
    "<alice@student.com>",
    "a@" + "b" * 250 + ".com",
]


async def test_an_invalid_address_is_refused(browser: Browser):
    for typed in NO_ADDRESSES:
        response = await browser.post("/auth/login", {"email": typed, "password": "x"})

        assert_names_fields_only(response, typed)
        assert [error["field"] for error in response.json()["errors"]] == ["email"], typed


async def test_an_international_domain_is_normalized(world: World):
    await world.an_account("alice@münchen.test")

    [row] = await rows_of(world, users)
    assert row.email == "alice@xn--mnchen-3ya.test"
    response = await world.a_browser().post("/auth/login", {"email": "alice@MÜNCHEN.test", "password": PASSWORD})
    assert response.json()["step"] == "email_code"


@pytest.mark.parametrize(
    "typed",
    [
        "' OR '1'='1",
        "'; DROP TABLE users; --",
        '" OR ""="',
        "x') UNION SELECT 1 --",
        "${jndi:ldap://x}",
        "{{7*7}}",
        "%s%n%x",
        "../../etc/passwd",
        "<script>alert(1)</script>",
    ],
)
async def test_an_injected_password_is_a_wrong_password(world: World, typed: str):
    account = await world.an_account()

    response = await world.a_browser().post("/auth/login", {"email": account.email, "password": typed})

    assert (response.status_code, response.json()["code"]) == (401, "invalid_credentials")
    assert await count_of(world, users) == 1


@pytest.mark.parametrize("cookie", ["focys_login", "focys_browser", "focys_refresh"])
async def test_a_malformed_cookie_is_ignored(lone_world: World, cookie: str):
    for value in (b"", b"'", b"\xff\xfe", b"x" * 6000, b"%00", b'"\\000"', b"a=b=c", b"' OR 1=1 --", b"../.."):
        headers = [
            (b"cookie", cookie.encode() + b"=" + value),
            (b"content-type", b"application/json"),
            *((name.lower().encode(), text.encode()) for name, text in AS_OUR_PAGE.items()),
        ]

        responses = [
            await raw_request(lone_world.app, "/auth/status", headers=headers),
            await raw_request(lone_world.app, "/auth/login", headers=headers),
            await raw_request(lone_world.app, "/auth/refresh", method="POST", headers=headers, chunks=[b"{}"]),
            await raw_request(
                lone_world.app, "/auth/totp/verify", method="POST", headers=headers, chunks=[b'{"code":"123456"}']
            ),
        ]

        refreshed = 401 if cookie == "focys_refresh" else 204
        assert [response.status_code for response in responses] == [200, 401, refreshed, 401], value


@pytest.mark.parametrize(
    "value", [b"Bearer " + b"x" * 9000, b"Bearer \xff", b"Bearer", b"\x00", b"Bearer a.b.c, Bearer d"]
)
async def test_a_malformed_authorization_header_is_refused(lone_world: World, value: bytes):
    response = await raw_request(lone_world.app, "/auth/me", headers=[(b"authorization", value)])

    assert response.status_code in {401, 422}
    assert b"xxxx" not in response.content
