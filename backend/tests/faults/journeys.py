"""People who sign in while parts of the service die: what they were told, and what became of it without a word."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import time
from typing import Any

import httpx

from tests.faults.caller import Caller, Line
from tests.faults.people import Person
from tests.support.service import PASSWORD

PAUSE_SECONDS = 0.05

CONFIRM, TOTP, BACKUP_CODE = "/auth/mfa/confirm", "/auth/totp/verify", "/auth/backup-code/verify"
LOGIN, REFRESH = "/auth/login", "/auth/refresh"


@dataclass
class Journey:
    """What one person did: each code offered, the sign-ins that were answered, and those that were done without."""

    person: Person
    line: Line
    used: list[tuple[str, str]] = field(default_factory=list)
    told: int = 0
    untold: int = 0
    tokens: list[str] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    gave_up: bool = False
    was_locked: bool = False
    _step: int = 0

    async def run(self) -> None:
        """Sign in twice and go on after each, with whatever the person has."""
        first = CONFIRM if self.person.login_token is not None else TOTP
        for path in [BACKUP_CODE] * 2 if self.person.prefers_backup_codes else (first, TOTP):
            caller = await self.sign_in(path)
            if self.gave_up:
                return
            if "focys_refresh" in caller.cookies:
                await self.refresh(caller)
                await self.refresh(caller)

    async def sign_in(self, path: str) -> Caller:
        """Go on until the login is done; where the response is lost, the login itself tells whether it is.

        What was lost stays charged. After five tries the account is locked, which two codes in a row do not mind, and a
        login takes no more first codes.
        """
        caller = Caller(self.line)
        if path == CONFIRM:
            caller.cookies["focys_login"] = self.person.login_token or ""
        else:
            await self._offer_password(caller)
        body: dict[str, Any] = {"code": self._next_code(path)}
        while self.line.is_served:
            response = await caller.ask(path, body)
            if is_lost(response):
                response = await self._answered(lambda: caller.ask(LOGIN, method="GET"))
                if response.is_success:
                    continue
            assert response is not None
            if response.is_success:
                self._was_told(caller, response)
                return caller
            match response.json()["code"]:
                case "login_expired":
                    self.untold += 1
                    return caller
                case "code_expired":
                    # The service was away for longer than a code lives.
                    body = {"code": self._next_code(path)}
                case "account_locked" if path == TOTP:
                    self.was_locked = True
                    body = {"codes": await self._two_in_a_row()}
                case "account_locked" if path == CONFIRM:
                    self.gave_up = True
                    return caller
                case refused:
                    assert refused == "throttled", f"{path}: {response.text}"
                    await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{path}: no response")

    async def refresh(self, caller: Caller) -> None:
        """Rotate the session's token; a lost response is asked for again."""
        response = await self._answered(lambda: caller.ask(REFRESH))
        assert response.is_success, response.text
        self.tokens.append(response.json()["access_token"])

    async def replay(self) -> int:
        """Offer every code once more and return how many were taken."""
        if self.gave_up:
            return 0
        caller, responses = Caller(self.line), []
        await self._offer_password(caller)
        for path, code in self.used:
            responses.append(await self._answered(lambda path=path, code=code: caller.ask(path, {"code": code})))  # type: ignore[misc]
        return sum(response.is_success for response in responses)

    async def find_sessions(self) -> int:
        """Return how many of the sessions that the person was told of are not to be found, or do not go on."""
        caller = Caller(self.line)
        found = [
            await self._answered(lambda token=token: caller.ask("/auth/me", method="GET", bearer=token))  # type: ignore[misc]
            for token in self.tokens
        ]
        found += [await self._answered(lambda c=c: c.ask(REFRESH)) for c in self.callers]  # type: ignore[misc]
        return sum(not response.is_success for response in found)

    async def _answered(self, ask: Callable[[], Awaitable[httpx.Response | None]]) -> httpx.Response:
        """Ask until there is a response."""
        while self.line.is_served:
            response = await ask()
            if response is not None and not is_lost(response):
                return response
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError("no response")

    def _next_code(self, path: str) -> str:
        if path == BACKUP_CODE:
            code = self.person.backup_codes[len(self.used)]
        else:
            self._step = max(self._step + 1, int(time()) // 30)
            code = self.person.code(self._step)
        self.used.append((TOTP if path == CONFIRM else path, code))
        return code

    async def _two_in_a_row(self) -> list[str]:
        """Return the code offered last, which was not taken, and the one after it, once the app shows that."""
        await asyncio.sleep(max(0.0, self._step * 30 - time()))
        older = self._step = max(self._step, int(time()) // 30 - 1)
        return [self.person.code(older), self._next_code(TOTP)]

    def _was_told(self, caller: Caller, response: httpx.Response) -> None:
        body: dict[str, Any] = response.json()
        assert body["step"] == "done"
        self.told += 1
        self.callers.append(caller)
        self.tokens.append(body["access_token"])

    async def _offer_password(self, caller: Caller) -> None:
        async def offer() -> httpx.Response | None:
            # A try that got lost stays charged to its network.
            caller.move()
            return await caller.ask(LOGIN, {"email": self.person.email, "password": PASSWORD})

        response = await self._answered(offer)
        assert response.is_success, response.text
        assert response.json()["step"] == "totp"


def is_lost(response: httpx.Response | None) -> bool:
    """Whether nobody knows what became of a request."""
    return response is None or response.status_code == 503
