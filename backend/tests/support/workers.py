"""Several real server processes on one PostgreSQL database, and browsers whose requests go to all of them in turn."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from time import monotonic, time
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from focys.domain.totp import Match
from focys.features.accounts.repository import claim_and_enroll
from focys.features.backup_codes import BackupCodes
from focys.features.email_code import CodeIssue
from focys.features.totp import new_secret
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.services import Services
from tests.support.hash_costs import cheap_hasher
from tests.support.keyed import email_codes_of
from tests.support.processes import Server
from tests.support.service import AS_OUR_PAGE, OPERATOR, PASSWORD, Account
from tests.support.walk import reach_enrollment

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

_sources = count(1)


class RemoteBrowser:
    """A caller from a network of its own. Its cookies hold for every worker, as behind a proxy."""

    def __init__(self, servers: Sequence[Server], source: str | None = None) -> None:
        number = next(_sources)
        self.source = source or f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
        self._servers, self._turn = servers, number
        self.http = httpx.AsyncClient(timeout=60, headers={"X-Forwarded-For": self.source, **AS_OUR_PAGE})

    async def post(self, path: str, body: Any = None, *, worker: int | None = None) -> httpx.Response:
        """Ask one worker, or the next in turn."""
        self._turn += 1
        server = self._servers[(self._turn if worker is None else worker) % len(self._servers)]
        return await self.http.post(server.url + path, json={} if body is None else body)

    async def sign_in_with_password(self, account: Account) -> str:
        """Take the first step and return the next one."""
        response = await self.post("/auth/login", {"email": account.email, "password": account.password})
        assert response.status_code == 200, response.text
        return str(response.json()["step"])

    async def look(self) -> httpx.Response:
        """Ask any worker where the login stands."""
        return await self.http.get(self._servers[self._turn % len(self._servers)].url + "/auth/login")

    async def offer(self, code: str, *, worker: int | None = None) -> httpx.Response:
        return await self.post("/auth/totp/verify", {"code": code}, worker=worker)


@dataclass
class Workers:
    """The running service, seen from outside, and its database."""

    servers: Sequence[Server]
    services: Services
    browsers: list[RemoteBrowser] = field(default_factory=list)

    def a_browser(self, source: str | None = None) -> RemoteBrowser:
        browser = RemoteBrowser(self.servers, source)
        self.browsers.append(browser)
        return browser

    async def at_second_factor(self, account: Account, browsers: int = 1) -> list[RemoteBrowser]:
        """Browsers that each have a login of the account in progress."""
        found = [self.a_browser() for _ in range(browsers)]
        for browser in found:
            assert await browser.sign_in_with_password(account) == "totp"
        return found

    async def at_enrollment(self, account: Account, browsers: int = 1) -> list[RemoteBrowser]:
        """Browsers that have each proven the mailbox; keeps the secret that the last one saw."""
        found = [self.a_browser() for _ in range(browsers)]
        for browser in found:
            await reach_enrollment(browser.post, account, partial(self.mailed_code, account))
        return found

    async def an_account(self, *, enrolled: bool = False) -> Account:
        """Create an account; an *enrolled* one has an authenticator and backup codes, none of them used."""
        email, now = f"{uuid4().hex[:12]}@student.com", self.services.clock.now()
        hashed = await self.services.passwords.choose(PASSWORD, email)
        account = Account(await self.services.accounts.create(email, hashed, OPERATOR), email, PASSWORD)
        if enrolled:
            account.secret = new_secret()
            sealed = SecretBox(KeyRing(self.services.settings.keys)).seal(account.secret, account.id)
            new = await BackupCodes(self.services.database, cheap_hasher()).issue(account.id, now)
            guard = claim_and_enroll(account.id, 0, Match(step=0, offset=0), sealed=sealed, now=now)
            assert await self.services.database.write(*new.changes, guard=guard)
            account.backup_codes = new.codes
        return account

    async def mailed_code(self, account: Account) -> str:
        """The newest code any worker has printed for the account since its newest login began."""
        seen = await self.scalar("SELECT count(*) FROM outbox WHERE user_id = :user", user=account.id)
        for _ in range(1200):
            printed = [
                line.split(": ")[1].split(" ")[0]
                for server in self.servers
                for line in server.output().splitlines()
                if line.startswith(f"Email code for {account.email}: ")
            ]
            if len(printed) >= seen:
                return await self._newest_of(printed, account)
            await asyncio.sleep(0.05)
        raise AssertionError("no worker has printed the code")

    async def scalar(self, sql: str, **parameters: Any) -> Any:
        """The single value of a query."""
        async with self.services.database.engine.connect() as connection:
            return (await connection.execute(text(sql), parameters)).scalar_one()

    async def a_minute_later(self, account: Account) -> None:
        """Make the account's refresh tokens older than a minute, so that the next use replaces them."""
        await self.run(f"UPDATE sessions SET rotated_at = rotated_at - INTERVAL '61 s' WHERE user_id = '{account.id}'")

    async def run(self, sql: str) -> None:
        """Run SQL of the test's own."""
        async with self.services.database.engine.connect() as connection:
            await connection.execute(text(sql))

    async def rows_of(self, table: str, user: UUID, where: str = "TRUE") -> int:
        """How many rows of a table are about a user."""
        found = await self.scalar(f"SELECT count(*) FROM {table} WHERE user_id = :user AND {where}", user=user)
        return int(found)

    async def at_once(self, account: Account, *requests: Coroutine[Any, Any, httpx.Response]) -> list[httpx.Response]:
        """Have every request read the facts before any of them can write: the account's row is held until they wait."""
        async with self.services.database.engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN")
            await connection.execute(text("SELECT 1 FROM users WHERE id = :id FOR UPDATE"), {"id": account.id})
            asked = asyncio.gather(*requests)
            await self._until_they_wait(len(requests))
            await connection.exec_driver_sql("COMMIT")
        return list(await asked)

    async def close(self) -> None:
        for browser in self.browsers:
            await browser.http.aclose()
        await self.services.close()

    async def _until_they_wait(self, number: int) -> None:
        begun, first = monotonic(), None
        while monotonic() - begun < 10:
            waiting = await self.scalar(WAITING)
            first = first or (monotonic() if waiting else None)
            # The service itself waits a second at most, so the first ones are not held for longer.
            if waiting >= number or (first is not None and monotonic() - first > 0.6):
                return
            await asyncio.sleep(0.02)

    async def _newest_of(self, printed: Iterable[str], account: Account) -> str:
        login = await self.scalar(
            "SELECT coalesce(code_source, id) FROM pending_logins WHERE user_id = :user ORDER BY created_at DESC LIMIT 1",
            user=account.id,
        )
        own, issue = email_codes_of(self.services), CodeIssue(login, 1, False, self.services.clock.now())
        return next(code for code in printed if own.is_right(issue, code))


def code_of(account: Account, steps: int = 0) -> str:
    """What the owner's app shows now; good for at least thirty seconds more, so no test waits for a step to begin."""
    return account.code_at(time(), steps)


def wrong_codes(account: Account, number: int) -> list[str]:
    """So many different codes that are wrong for some minutes."""
    near = {code_of(account, steps) for steps in range(-25, 26)}
    return [code for code in (f"{i:06}" for i in range(number + len(near))) if code not in near][:number]


def tally(responses: Iterable[httpx.Response]) -> dict[str, int]:
    """How often each response was given: ``done`` or ``enroll``, or the code of a problem."""
    counted: dict[str, int] = {}
    for response in responses:
        body = response.json()
        name = str(body.get("step", "ok")) if response.is_success else str(body["code"])
        counted[name] = counted.get(name, 0) + 1
    return counted
