"""Requests no page of ours would send: refused with a 4xx that names the field and never the value, and without effect."""

from typing import Any

import pytest

from tests.support.acts import state_of
from tests.support.attempts import at_enrollment, at_mailed_code
from tests.support.service import Account, Browser, World

POSTS = (
    "/auth/login",
    "/auth/email-code/verify",
    "/auth/email-code/resend",
    "/auth/mfa/enroll",
    "/auth/mfa/confirm",
    "/auth/totp/verify",
    "/auth/backup-code/verify",
    "/auth/refresh",
    "/auth/logout",
)
GETS = ("/auth/status", "/auth/login", "/auth/me", "/health/live", "/health/ready")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
ALLOWED = {
    **{path: {"POST"} for path in POSTS},
    **{path: {"GET"} for path in GETS},
    "/auth/login": {"GET", "POST", "DELETE"},
}
"""Which methods an address takes."""

FULL_WIDTH = "".join(chr(0xFF10 + digit) for digit in range(1, 7))
ARABIC = "".join(chr(0x0660 + digit) for digit in range(1, 7))
BODIES: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "number": b"0",
    "text": b'"123456"',
    "no fields": b"{}",
    "not JSON": b"{code: 123456}",
    "form": b"code=123456",
    "cut off": b'{"code": "123',
    "not UTF-8": b'{"code": "\xff\xfe"}',
    "nested": b"[" * 8000,
    "a number of 5000 digits": b'{"code": ' + b"9" * 5000 + b"}",
    "NaN": b'{"code": NaN}',
    "code a number": b'{"code": 123456}',
    "code null": b'{"code": null}',
    "code true": b'{"code": true}',
    "code a list": b'{"code": ["123456"]}',
    "code an object": b'{"code": {"$ne": ""}}',
    "code empty": b'{"code": ""}',
    "code blank": b'{"code": "      "}',
    "code long": b'{"code": "' + b"1" * 5000 + b'"}',
    "code with NUL": b'{"code": "12345\\u00006"}',
    "code with a lone surrogate": b'{"code": "\\ud800"}',
    "code with an override": b'{"code": "\\u202e123456"}',
    "codes one": b'{"codes": ["123456"]}',
    "codes three": b'{"codes": ["123456", "123456", "123456"]}',
    "codes text": b'{"codes": "123456"}',
    "code and codes": b'{"code": "123456", "codes": ["123456", "123457"]}',
    "restart text": b'{"restart": "yes"}',
    "restart number": b'{"restart": 1}',
}
# An empty body is what resend, enroll, refresh and logout ask for.
NEEDS_NOTHING = ("/auth/email-code/resend", "/auth/mfa/enroll", "/auth/refresh", "/auth/logout")
IS_NOTHING = {"empty", "null", "no fields"}
HAS_NO_FIELDS = {"not UTF-8", "nested", "a number of 5000 digits"}


async def send(browser: Browser, path: str, body: bytes) -> Any:
    return await browser.http.post(path, content=body, headers={"Content-Type": "application/json"})


async def in_stage(world: World, stage: str) -> tuple[Account, Browser]:
    if stage == "totp":
        account = await world.an_account(enrolled=True)
        return account, await world.at_second_factor(account)
    account = await world.an_account()
    at_stage = at_mailed_code if stage == "email_code" else at_enrollment
    return account, await at_stage(world, account)


@pytest.mark.parametrize("stage", ["email_code", "enroll", "totp"])
async def test_other_http_methods_change_nothing(world: World, stage: str):
    """FLOW-11: GET and HEAD change nothing, every other method is refused."""
    _, browser = await in_stage(world, stage)
    before = await state_of(world)

    for path, listed in ALLOWED.items():
        allowed = listed | {"HEAD"} if "GET" in listed else listed
        for method in METHODS:
            if method in allowed - {"GET", "HEAD"}:
                continue
            response = await browser.http.request(method, path, headers={"Content-Type": "application/json"})
            assert response.status_code == 405 if method not in allowed else response.status_code < 500, (method, path)
            if method not in allowed | {"HEAD"}:
                assert response.json()["code"] == "method_not_allowed", (method, path)

    assert await state_of(world) == before


@pytest.mark.parametrize("stage", ["email_code", "enroll", "totp"])
async def test_malformed_bodies_are_refused_without_effect(world: World, stage: str):
    """FLOW-11, TOTP-07, INP-01, INP-03: empty, absent and oddly typed bodies are refused, and none of them counts as a try."""
    _, browser = await in_stage(world, stage)
    before = await state_of(world)

    for path in POSTS:
        for name, body in BODIES.items():
            if path in NEEDS_NOTHING and name in IS_NOTHING:
                continue
            response = await send(browser, path, body)
            if name == "code blank" and path == "/auth/email-code/verify" and stage != "email_code":
                # What a mailed code looks like is known only where one was mailed.
                assert response.json()["code"] == "out_of_turn"
                continue
            assert response.status_code == 422, (path, name, response.text)
            assert response.json()["code"] == "invalid_request", (path, name)
            assert response.json().get("errors") or name in HAS_NO_FIELDS, (path, name)

    assert await state_of(world) == before


async def test_a_malformed_code_is_not_charged(world: World):
    """TOTP-07: what cannot be a code is refused before any code is computed."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)

    for typo in ("12345", "1234567", "12345a", FULL_WIDTH, ARABIC, "123.456", "123\u00a0456", "+12345", "0x1234"):
        assert (await browser.offer(typo)).status_code == 422, typo

    assert (await browser.get("/auth/login")).json()["tries_left"] == 5


@pytest.mark.parametrize("shape", ["{}{} {}{}{}{}", "{}{}{}-{}{}{}", " {}{}{}{}{}{} ", "{}-{}-{} {} {} {}"])
async def test_spaces_and_dashes_in_a_code_do_not_matter(world: World, shape: str):
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)

    response = await browser.offer(shape.format(*account.code(world.clock)))

    assert response.status_code == 200
