"""The whole service in the test's process: real database, frozen clock, kept mail, browsers that hold cookies."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from focys.features.outbox import outbox
from focys.infra.web.caller import Caller
from focys.services import Services
from tests.support.clock import FrozenClock
from tests.support.mail import KeptMail
from tests.support.walk import Account as Account
from tests.support.walk import enroll

PASSWORD = "copper-bicycle-harbour-28"
ADDRESS = "alice@student.com"
AS_OUR_PAGE = {"X-Requested-With": "focys"}
"""The header our own pages send; a test client sends it instead of an Origin."""
OPERATOR = Caller(address="console:test", network="console:test", user_agent="pytest", request_id="test")


class Browser:
    """A caller with a cookie jar, at an address of its own."""

    def __init__(self, app: FastAPI, address: str = "192.0.2.1", base_url: str = "http://localhost:8000") -> None:
        transport = httpx.ASGITransport(app=app, client=(address, 40000))
        headers = {"User-Agent": "Test/1.0", **AS_OUR_PAGE}
        self.http = httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.http.post(path, json={} if body is None else body, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.get(path, **options)

    async def sign_in_with_password(self, account: Account) -> httpx.Response:
        return await self.post("/auth/login", {"email": account.email, "password": account.password})

    async def offer(self, code: str) -> httpx.Response:
        return await self.post("/auth/totp/verify", {"code": code})

    async def me(self, token: str) -> httpx.Response:
        return await self.get("/auth/me", headers={"Authorization": f"Bearer {token}"})


@dataclass
class World:
    """Everything a test may touch."""

    app: FastAPI
    services: Services
    clock: FrozenClock
    mail: KeptMail

    def a_browser(self, address: str = "192.0.2.1") -> Browser:
        return Browser(self.app, address)

    async def deliver(self) -> None:
        """Let the mail leave; the service's own deliverer may have taken an email a moment ago and be at it still."""
        on_their_way = select(outbox.c.id).where(outbox.c.done_at.is_(None))
        for _ in range(200):
            await self.services.outbox.deliver_due()
            if not await self.services.database.rows(on_their_way):
                return
            await asyncio.sleep(0.005)

    async def emailed_code(self, account: Account) -> str:
        """The code that was emailed last, once it has left."""
        await self.deliver()
        return self.mail.last_code(account.email)

    async def an_account(
        self, email: str = ADDRESS, *, password: str = PASSWORD, role: Any = "user", enrolled: bool = False
    ) -> Account:
        """Create an account; *enrolled* ones went through the whole first sign-in in a browser of their own."""
        hashed = await self.services.passwords.choose(password, email)
        user_id = await self.services.accounts.create(email, hashed, OPERATOR, role=role)
        account = Account(user_id, email, password)
        if enrolled:
            await self.enroll(account, self.a_browser("198.51.100.7"))
        return account

    async def enroll(self, account: Account, browser: Browser) -> httpx.Response:
        """Walk the first sign-in to its end, and keep secret and backup codes."""
        *_, done = await enroll(
            browser.post, account, partial(self.emailed_code, account), lambda: self.clock.now().timestamp()
        )
        await self.deliver()
        # The enrollment code is spent; the next step's code is fresh.
        self.clock.advance(seconds=30)
        return done

    async def reset_mfa(self, account: Account) -> None:
        """Reset the second factor as an operator, who hands over the ticket."""
        ticket = await self.services.administration.reset_mfa(account.email, OPERATOR)
        assert ticket is not None
        account.ticket = ticket.text

    async def at_second_factor(self, account: Account, browser: Browser | None = None) -> Browser:
        """A browser whose login waits for the second factor."""
        browser = browser or self.a_browser()
        response = await browser.sign_in_with_password(account)
        assert response.json()["step"] == "totp", response.text
        return browser

    async def signed_in(self, account: Account, browser: Browser | None = None) -> tuple[Browser, str]:
        """A browser with a complete sign-in, and its access token."""
        browser = await self.at_second_factor(account, browser)
        response = await browser.offer(account.code(self.clock))
        assert response.status_code == 200, response.text
        await self.deliver()
        self.clock.advance(seconds=30)
        return browser, response.json()["access_token"]
