"""Every call in every stage: a stage accepts its own calls, and refuses all others without any effect."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest

from focys.features.accounts import users
from focys.features.login import pending_logins
from focys.features.sessions import sessions
from tests.support.attempts import at_enrollment, at_mailed_code
from tests.support.jar import cookie, put
from tests.support.rows import count_of, rows_of
from tests.support.service import OPERATOR, Account, Browser, World


@dataclass
class Stage:
    """A browser in a stage, with every proof its owner could show."""

    world: World
    account: Account
    browser: Browser
    step: str | None
    token: str = ""

    async def call(self, name: str) -> httpx.Response:
        method, path, needs = CALLS[name]
        body = {"code": needs(self)} if needs else {}
        headers = {"Authorization": f"Bearer {self.token or cookie(self.browser) or 'none'}"}
        if method == "POST":
            return await self.browser.post(path, body, headers=headers)
        return await self.browser.http.request(method, path, headers=headers)

    def mailed_code(self) -> str:
        has_mail = any(email.code for _, email in self.world.mail.emails)
        return self.world.mail.last_code(self.account.email) if has_mail else "123456"

    def totp(self) -> str:
        return self.account.code(self.world.clock) if self.account.secret else "123456"

    def backup_code(self) -> str:
        return self.account.backup_codes[0] if self.account.backup_codes else "0000-0000-0000-0000"


CALLS: dict[str, tuple[str, str, Callable[[Stage], str] | None]] = {
    "look": ("GET", "/auth/login", None),
    "verify mail": ("POST", "/auth/email-code/verify", Stage.mailed_code),
    "resend": ("POST", "/auth/email-code/resend", None),
    "enroll": ("POST", "/auth/mfa/enroll", None),
    "confirm": ("POST", "/auth/mfa/confirm", Stage.totp),
    "totp": ("POST", "/auth/totp/verify", Stage.totp),
    "backup code": ("POST", "/auth/backup-code/verify", Stage.backup_code),
    "me": ("GET", "/auth/me", None),
    "refresh": ("POST", "/auth/refresh", None),
}
STEPS = ("verify mail", "resend", "enroll", "confirm", "totp", "backup code")
TAKES = {
    "anonymous": set(),
    "email_code": {"look", "verify mail", "resend"},
    "enroll": {"look", "enroll", "confirm"},
    "totp": {"look", "totp", "backup code"},
    "done": {"me", "refresh"},
    "expired": set(),
    "canceled": set(),
    "consumed": set(),
    "disabled": set(),
    "password set": set(),
    "factor reset": set(),
}


async def anonymous(world: World) -> Stage:
    return Stage(world, await world.an_account(enrolled=True), world.a_browser(), None)


async def email_code(world: World) -> Stage:
    account = await world.an_account()
    browser = await at_mailed_code(world, account)
    world.clock.advance(seconds=61)
    return Stage(world, account, browser, "email_code")


async def enroll(world: World) -> Stage:
    account = await world.an_account()
    return Stage(world, account, await at_enrollment(world, account), "enroll")


async def totp(world: World) -> Stage:
    account = await world.an_account(enrolled=True)
    return Stage(world, account, await world.at_second_factor(account), "totp")


async def done(world: World) -> Stage:
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)
    return Stage(world, account, browser, None, token)


async def expired(world: World) -> Stage:
    stage = await totp(world)
    login_token = cookie(stage.browser)
    world.clock.advance(minutes=5)
    put(stage.browser, login_token)
    return stage


async def canceled(world: World) -> Stage:
    stage = await totp(world)
    login_token = cookie(stage.browser)
    await stage.browser.http.delete("/auth/login")
    put(stage.browser, login_token)
    return stage


async def consumed(world: World) -> Stage:
    stage = await totp(world)
    login_token = cookie(stage.browser)
    assert (await stage.call("totp")).status_code == 200
    world.clock.advance(seconds=30)
    stage.browser.http.cookies.clear()
    put(stage.browser, login_token)
    return stage


async def disabled(world: World) -> Stage:
    stage = await totp(world)
    await world.services.accounts.set_disabled(stage.account.email, OPERATOR, disabled=True)
    return stage


async def password_set(world: World) -> Stage:
    stage = await totp(world)
    await world.services.administration.set_password(stage.account.email, "seven-quiet-lanterns-41", OPERATOR)
    return stage


async def factor_reset(world: World) -> Stage:
    stage = await totp(world)
    await world.services.administration.reset_mfa(stage.account.email, OPERATOR)
    return stage


REACH: dict[str, Callable[[World], Awaitable[Stage]]] = {
    "anonymous": anonymous,
    "email_code": email_code,
    "enroll": enroll,
    "totp": totp,
    "done": done,
    "expired": expired,
    "canceled": canceled,
    "consumed": consumed,
    "disabled": disabled,
    "password set": password_set,
    "factor reset": factor_reset,
}


def refusal_in(stage: Stage, name: str, call: str) -> tuple[int, str | None]:
    """The response to a call at the wrong stage; without a refresh cookie there is nothing to refuse."""
    if call == "me":
        return 401, "not_authenticated"
    if call == "refresh":
        return 204, None
    return (409, "out_of_turn") if call in STEPS and TAKES[name] and stage.step else (401, "login_expired")


@pytest.mark.parametrize("name", TAKES)
async def test_a_step_refuses_every_call_but_its_own(world: World, name: str):
    """FLOW-01, FLOW-02, FLOW-05, FLOW-06, TOTP-09, EOTP-01, BKP-04: the proofs shown are right ones, only the stage is wrong."""
    stage = await REACH[name](world)
    signed_in, account_before = await count_of(world, sessions), (await rows_of(world, users))[0]
    logins = await rows_of(world, pending_logins)

    for call in CALLS.keys() - TAKES[name]:
        cookies = dict(stage.browser.http.cookies)
        response = await stage.call(call)

        expected, told = refusal_in(stage, name, call), response.json() if response.content else {}
        assert (response.status_code, told.get("code")) == expected, call
        assert told.get("step") == (stage.step if expected[0] == 409 else None), call
        assert not {"access_token", "secret", "qr_code", "backup_codes"} & told.keys(), call
        assert "refresh" not in response.headers.get("set-cookie", ""), call
        for held, value in cookies.items():
            put(stage.browser, value, held)

    assert await count_of(world, sessions) == signed_in
    assert (await rows_of(world, users))[0] == account_before
    assert await rows_of(world, pending_logins) == logins


@pytest.mark.parametrize(("name", "call"), [(name, call) for name, calls in TAKES.items() for call in sorted(calls)])
async def test_a_step_accepts_its_own_calls(world: World, name: str, call: str):
    stage = await REACH[name](world)

    response = await stage.call(call)

    assert response.is_success, response.text


@pytest.mark.parametrize("name", ["email_code", "enroll", "totp", "done", "consumed"])
async def test_a_password_starts_a_new_login_at_every_step(world: World, name: str):
    """FLOW-01, FLOW-09: the login token is new, and the login that the browser had in progress is over."""
    stage = await REACH[name](world)
    old = cookie(stage.browser)

    response = await stage.browser.sign_in_with_password(stage.account)

    assert response.json()["step"] in {"email_code", "totp"}
    assert cookie(stage.browser) != old
    if old:
        stale = put(world.a_browser(), old)
        assert (await stale.get("/auth/login")).json()["code"] == "login_expired"
