"""A person who signs in: types codes from the app, the mailbox or paper, and does what the page says."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from focys.domain.totp import seconds_left
from tests.sieges.attackers import outcome
from tests.sieges.siege import Siege
from tests.support.service import Account, Browser

FIVE_MINUTES = 300
TYPING = 8
"""Seconds until a code is read and typed."""
SCANNING = 30
"""Seconds until the app has scanned a QR code and its code is typed."""
FETCHING_PAPER = 20
PATIENCE = 60
"""Seconds that a person waits for another email; if the wait is longer, they start over."""


_WAITS = {"throttled", "code_already_used"}
_AFTER = {
    ("email_code", "any"): "_mailed_code",
    ("202", "any"): "_mailed_code",
    ("invalid_code", "_mailed_code"): "_mailed_code",
    ("new_code_needed", "any"): "_resend",
    ("throttled", "_resend"): "_start",
    ("enroll", "any"): "_enroll",
    ("account_locked", "_enroll"): "_start",
    ("login_expired", "any"): "_start",
    ("totp", "any"): "_one_code",
    ("guarded", "any"): "_two_codes",
    ("account_locked", "_one_code"): "_two_codes",
    # They are wrong where the older one was used a moment ago, in another browser.
    ("invalid_code", "_two_codes"): "_two_codes",
    ("account_locked", "_two_codes"): "_backup_code",
    ("factor_disabled", "_two_codes"): "_backup_code",
}
"""A person's next act after an outcome, of their last act or of any."""


class NotInError(AssertionError):
    """The owner did not get in within five minutes; the message says what happened."""


class Owner:
    """The owner of an account, in front of one browser."""

    def __init__(self, siege: Siege, account: Account, browser: Browser, *, within: float = FIVE_MINUTES) -> None:
        self._siege, self._account, self.browser, self._within = siege, account, browser, within
        self._began, self._story = siege.seconds, list[str]()
        self._tried: set[str] = set()
        self._last: Callable[[], Awaitable[httpx.Response]] = self._start

    async def get_in(self) -> dict[str, Any]:
        """Sign in from the start and return the last response.

        Raises:
            NotInError: that took too long, or there was nothing left to try.
        """
        return await self.go_on(await self._start())

    async def go_on(self, response: httpx.Response) -> dict[str, Any]:
        """Go on from a response until signed in."""
        while outcome(response) != "done":
            response = await self._next(response)
        if self._took > self._within:
            raise self._not_in()
        return dict(response.json())

    async def reach(self, step: str) -> httpx.Response:
        """Go from the start up to a step, and return the response that leads to it."""
        response = await self._start()
        while outcome(response) != step:
            response = await self._next(response)
        return response

    @property
    def _took(self) -> float:
        return self._siege.seconds - self._began

    async def _next(self, response: httpx.Response) -> httpx.Response:
        name, body, last = outcome(response), response.json(), self._last.__name__
        if name == "totp" and (body["guarded"] or body["retry_after"]):
            name = "guarded"
        step = _AFTER.get((name, last)) or _AFTER.get((name, "any"))
        if name in _WAITS and not (last == "_resend" and body["retry_after"] > PATIENCE):
            await self._siege.wait(body["retry_after"])
            step = last
        if step is None or self._took > self._within:
            raise self._not_in()
        self._last = getattr(self, step)
        return await self._last()

    async def _start(self) -> httpx.Response:
        self._tried.clear()
        email, password = self._account.email, self._account.password
        return await self._send("/auth/login", {"email": email, "password": password})

    async def _one_code(self) -> httpx.Response:
        await self._siege.wait(TYPING)
        return await self._send("/auth/totp/verify", {"code": self._shown()})

    async def _two_codes(self) -> httpx.Response:
        older = self._shown()
        await self._siege.wait(seconds_left(self._siege.world.clock.now().timestamp()) + TYPING)
        return await self._send("/auth/totp/verify", {"codes": [older, self._shown()]})

    async def _backup_code(self) -> httpx.Response:
        await self._siege.wait(FETCHING_PAPER)
        code, *rest = self._account.backup_codes
        self._account.backup_codes = tuple(rest)
        return await self._send("/auth/backup-code/verify", {"code": code})

    async def _mailed_code(self) -> httpx.Response:
        """Type the code of the newest untried email: strangers' sign-ins cause emails, too."""
        await self._siege.wait(TYPING)
        await self._siege.world.deliver()
        emails = reversed(self._siege.world.mail.emails)
        codes = [email.code for to, email in emails if to == self._account.email and email.code]
        untried = next((code for code in codes if code not in self._tried), None)
        if untried is None:
            self._last = self._resend
            return await self._last()
        self._tried.add(untried)
        return await self._send("/auth/email-code/verify", {"code": untried})

    async def _resend(self) -> httpx.Response:
        self._tried.clear()
        return await self._send("/auth/email-code/resend")

    async def _enroll(self) -> httpx.Response:
        shown = await self._send("/auth/mfa/enroll")
        if shown.status_code != httpx.codes.OK:
            return shown
        self._account.secret = shown.json()["secret"]
        await self._siege.wait(SCANNING)
        done = await self._send("/auth/mfa/confirm", {"code": self._shown()})
        if outcome(done) == "done":
            self._account.backup_codes = tuple(done.json()["backup_codes"])
        return done

    def _shown(self) -> str:
        return self._account.code(self._siege.world.clock)

    async def _send(self, path: str, body: object = None) -> httpx.Response:
        response = await self._siege.amid(self.browser.post(path, body))
        wait = response.json().get("retry_after")
        self._story.append(f"{self._took:.0f} s: {path} -> {outcome(response)}{f', {wait} s' if wait else ''}")
        return response

    def _not_in(self) -> NotInError:
        return NotInError("; ".join(self._story))
