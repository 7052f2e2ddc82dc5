"""The API's own description, tried with thousands of requests it allows and forbids, at every stage of a login."""

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from focys.infra.web.replies import Problem
from tests.conftest import world_on
from tests.support.attempts import at_mailed_code, enter_mailed_code
from tests.support.rows import execute
from tests.support.service import Account, Browser, World

EXAMPLES = 12
STAGES = ["nobody", "email_code", "enroll", "totp", "signed in"]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
BASE = "http://localhost:8000"

# The description says how long a code may be, not what it looks like; without these hardly one would be examined.
SIX_DIGITS = {"type": "string", "pattern": "^[0-9]{6}$"}
GROUPS = {"type": "string", "pattern": "^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$"}
LIKELY = {
    ("Credentials", "email"): {"type": "string", "pattern": "^[a-z]{1,8}@student[.]com$"},
    ("MailedCode", "code"): SIX_DIGITS,
    ("FirstCode", "code"): SIX_DIGITS,
    ("TotpCodes", "code"): SIX_DIGITS,
    ("TotpCodes", "codes"): {"type": "array", "items": SIX_DIGITS, "minItems": 2, "maxItems": 2},
    ("BackupCodeEntry", "code"): GROUPS,
}
EXAMINED = {
    "nobody": "/auth/login",
    "email_code": "/auth/email-code/verify",
    "enroll": "/auth/mfa/confirm",
    "totp": "/auth/totp/verify",
}


class Visit:
    """One caller kept at one stage, whatever the requests do to it."""

    def __init__(self, world: World, stage: str) -> None:
        self._world, self._stage = world, stage
        self._account: Account | None = None
        self._browser: Browser | None = None
        self._token = ""

    async def send(self, prepared: requests.PreparedRequest) -> httpx.Response:
        """Send a request with the cookies of the stage."""
        if not await self._is_there():
            await self._arrive()
        assert self._browser is not None
        headers = {name: str(value) for name, value in prepared.headers.items()}
        if self._token and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self._token}"
        body: Any = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        assert prepared.method is not None
        assert prepared.url is not None
        return await self._browser.http.request(prepared.method, prepared.url, headers=headers, content=body)

    async def _is_there(self) -> bool:
        if self._browser is None:
            return False
        if self._stage == "nobody":
            return True
        if self._stage == "signed in":
            return (await self._browser.me(self._token)).status_code == 200
        response = await self._browser.get("/auth/login")
        return response.status_code == 200 and response.json()["step"] == self._stage

    async def _arrive(self) -> None:
        world, self._browser = self._world, self._world.a_browser()
        for table in ("throttles", "second_factor_failures", "email_code_failures"):
            await execute(world, f"DELETE FROM {table}")
        if self._account is None:
            self._account = await world.an_account(enrolled=self._stage in {"totp", "signed in"})
        if self._stage in {"email_code", "enroll"}:
            await at_mailed_code(world, self._account, self._browser)
        if self._stage == "enroll":
            await enter_mailed_code(self._browser, world.mail.last_code(self._account.email))
        if self._stage == "totp":
            await world.at_second_factor(self._account, self._browser)
        if self._stage == "signed in":
            _, self._token = await world.signed_in(self._account, self._browser)


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    """A loop of its own, for Hypothesis is no coroutine."""
    with start_blocking_portal() as opened:
        yield opened


@pytest.fixture
def described(portal: BlockingPortal, sqlite_url: str) -> Iterator[World]:
    with portal.wrap_async_context_manager(world_on(sqlite_url)) as world:
        yield world


def judge(case: Any, response: httpx.Response) -> None:
    """No fault, and every response as the description has it."""
    assert response.status_code < 500, response.text
    case.validate_response(response, checks=CHECKS)
    if response.is_error:
        assert response.headers["Content-Type"] == "application/problem+json"
        assert set(response.json()) <= set(Problem.model_fields)
        Problem.model_validate_json(response.content, strict=True)


@pytest.mark.parametrize("stage", STAGES)
def test_every_response_matches_the_openapi_description(portal: BlockingPortal, described: World, stage: str):
    """INP-01, INP-03: positive and negative data for every call, at every stage of a login."""
    visit = Visit(described, stage)
    description = copy.deepcopy(described.app.openapi())
    for (model, name), shape in LIKELY.items():
        description["components"]["schemas"][model]["properties"][name] = shape
    schema = schemathesis.openapi.from_dict(description)
    seen: set[tuple[str, int]] = set()

    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        modes = [mode for mode in schemathesis.GenerationMode if _is_possible(operation, mode)]

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes]))
        def explore(case: Any) -> None:
            sent: dict[str, Any] = case.as_transport_kwargs(base_url=BASE)
            prepared = requests.Request(
                **{name: sent[name] for name in ("method", "url", "headers", "params", "json", "data") if name in sent}
            ).prepare()
            response = portal.call(visit.send, prepared)
            seen.add((f"{case.method} {case.path}", response.status_code))
            judge(case, response)

        explore()

    assert len({name for name, _ in seen}) == len(list(schema.get_all_operations()))
    # It went further than the checks of the fields.
    if stage in EXAMINED:
        assert {401, 422} <= {status for name, status in seen if name == f"POST {EXAMINED[stage]}"}


def _is_possible(operation: Any, mode: schemathesis.GenerationMode) -> bool:
    has_input = operation.body or operation.headers or operation.query
    return mode is schemathesis.GenerationMode.POSITIVE or bool(has_input)
