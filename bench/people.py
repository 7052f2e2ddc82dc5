"""Enrolled accounts, and logins that wait for the code, written directly to the database."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import asyncpg  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from focys.domain import totp
from focys.domain.login import Step
from focys.features.totp import new_secret
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.crypto.tokens import digest, new_token

from bench.bare import KEY, NONCE_BYTES
from bench.client import ask, request
from bench.servers import settings

PASSWORD = "copper-bicycle-harbour-28"  # noqa: S105  for temporary accounts
LOGIN_LIFE = timedelta(minutes=5)

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """An account, its TOTP secret, and the tokens of its login and its known browser."""

    number: int
    id: UUID = field(default_factory=uuid4)
    secret: str = field(default_factory=new_secret)
    login: str = field(default_factory=new_token)
    browser: str = field(default_factory=new_token)

    @property
    def email(self) -> str:
        """The account's email address."""
        return f"person-{self.number}@bench.example"

    @property
    def headers(self) -> dict[str, str]:
        """A header that gives this person's requests their own source address."""
        number = self.number
        return {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}

    def password_request(self) -> bytes:
        """Return the first step of this person's login."""
        body = json.dumps({"email": self.email, "password": PASSWORD})
        return request("POST", "/auth/login", body, self.headers)

    def totp_request(self, login: str = "", *, prefix: str = "") -> bytes:
        """Return the TOTP step with the current code; *login* overrides the login cookie.

        *prefix* is the prefix of the cookie names.
        """
        cookies = [login or f"{prefix}focys_login={self.login}", f"{prefix}focys_browser={self.browser}"]
        headers = {**self.headers, "Cookie": "; ".join(cookies)}
        return request("POST", "/auth/totp/verify", json.dumps({"code": self._code()}), headers)

    def bare_request(self, path: str = "/verify") -> bytes:
        """Return the equivalent request to a bare service."""
        return request("POST", path, json.dumps({"user": str(self.id), "code": self._code()}))

    def secure_request(self) -> bytes:
        """Return the equivalent request to the bare service with security features."""
        return self.bare_request("/verify-securely")

    def bare_check(self) -> bytes:
        """Return a session check for the bare service, with this person's initial session."""
        return _check("/me", str(self.id))

    def check(self, port: int) -> bytes:
        """Open a session at the service on *port*, and return a session check for it."""
        return _check("/auth/me", json.loads(ask(port, self.totp_request()))["access_token"])

    def _code(self) -> str:
        return totp.code_for(self.secret, totp.step_at(time.time()))


def add_people(url: str, number: int, password_hash: str = "") -> list[Person]:
    """Add enrolled accounts, each with a login that waits for its code."""
    people = [Person(next(_numbers)) for _ in range(number)]
    box, now = SecretBox(KeyRing(settings(url).keys)), datetime.now(UTC)
    users = {
        "id": lambda p: p.id,
        "email": lambda p: p.email,
        "password_hash": lambda _: password_hash,
        "display_name": lambda p: f"Person {p.number}",
        "created_at": lambda _: now,
        "updated_at": lambda _: now,
        "totp_secret": lambda p: box.seal(p.secret, p.id),
        "mfa_enabled": lambda _: True,
    }
    # Without a backup code, the sign-in would create ten, which should not be measured.
    codes = {
        "id": lambda _: uuid4(),
        "user_id": lambda p: p.id,
        "code_hash": lambda _: "",
        "created_at": lambda _: now,
    }
    logins = {
        "id": lambda _: uuid4(),
        "handle_hash": lambda p: digest(p.login),
        "user_id": lambda p: p.id,
        "step": lambda _: str(Step.SECOND_FACTOR),
        "epoch": lambda _: 0,
        "created_at": lambda _: now,
        "expires_at": lambda _: now + LOGIN_LIFE,
        "code_issue": lambda _: 0,
        "code_long": lambda _: False,
        "code_tries": lambda _: 0,
    }
    browsers = {
        "id": lambda _: uuid4(),
        "user_id": lambda p: p.id,
        "token_hash": lambda p: digest(p.browser),
        "epoch": lambda _: 0,
        "created_at": lambda _: now,
        "last_seen_at": lambda _: now,
    }
    _copy(url, people, {"users": users, "backup_codes": codes, "pending_logins": logins, "browsers": browsers})
    return people


def add_bare_people(url: str, number: int) -> list[Person]:
    """Add users of the bare services, each with a session that has the user's ID."""
    people = [Person(next(_numbers)) for _ in range(number)]
    users = {
        "id": lambda p: p.id,
        "email": lambda p: p.email,
        "totp_secret": lambda p: p.secret,
        "totp_sealed": _sealed,
    }
    sessions = {"id": lambda p: p.id, "user_id": lambda p: p.id, "token": lambda _: ""}
    _copy(url, people, {"bare_users": users, "bare_sessions": sessions})
    return people


def run_sql(url: str, statement: str) -> None:
    """Run statements."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def _check(path: str, bearer: str) -> bytes:
    return request("GET", path, headers={"Authorization": f"Bearer {bearer}"})


def _sealed(person: Person) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(KEY).encrypt(nonce, person.secret.encode(), person.id.bytes)


def _copy(url: str, people: Sequence[Person], tables: dict[str, dict[str, Callable[[Person], Any]]]) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            for table, columns in tables.items():
                rows = [tuple(value(person) for value in columns.values()) for person in people]
                await connection.copy_records_to_table(table, records=rows, columns=list(columns))
        finally:
            await connection.close()

    asyncio.run(run())
