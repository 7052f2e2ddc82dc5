"""The first sign-in, over any transport: in the process, to real workers, through nginx, or as the guide has it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import time
from typing import Any
from uuid import UUID

import httpx
import pyotp

from tests.support.clock import FrozenClock

Post = Callable[[str, dict[str, Any]], Awaitable[httpx.Response]]


@dataclass
class Account:
    """An account of the test, with the authenticator its owner holds."""

    id: UUID
    email: str
    password: str
    secret: str | None = None
    backup_codes: tuple[str, ...] = ()
    ticket: str | None = None

    def code_at(self, seconds: float, steps: int = 0) -> str:
        """What the owner's app shows at a time, or *steps* away from it."""
        assert self.secret is not None
        return pyotp.HOTP(self.secret).at(int(seconds) // 30 + steps)

    def code(self, clock: FrozenClock, steps: int = 0) -> str:
        """The same by the test's clock."""
        return self.code_at(clock.now().timestamp(), steps)


async def reach_enrollment(
    post: Post, account: Account, emailed_code: Callable[[], Awaitable[str]]
) -> list[httpx.Response]:
    """Go up to the QR code, keep the secret, and return the three responses."""
    begun = await post("/auth/login", {"email": account.email, "password": account.password})
    assert begun.json()["step"] == "email_code", begun.text
    ticket = {} if account.ticket is None else {"ticket": account.ticket}
    proven = await post("/auth/email-code/verify", {"code": await emailed_code(), **ticket})
    assert proven.json()["step"] == "enroll", proven.text
    shown = await post("/auth/mfa/enroll", {})
    account.secret = pyotp.parse_uri(shown.json()["provisioning_uri"]).secret
    return [begun, proven, shown]


async def enroll(
    post: Post, account: Account, emailed_code: Callable[[], Awaitable[str]], now: Callable[[], float] = time
) -> list[httpx.Response]:
    """Walk the first sign-in to its end, keep secret and backup codes, and return the four responses."""
    responses = await reach_enrollment(post, account, emailed_code)
    done = await post("/auth/mfa/confirm", {"code": account.code_at(now())})
    assert done.json().get("step") == "done", done.text
    account.ticket = None
    account.backup_codes = tuple(done.json()["backup_codes"])
    return [*responses, done]
