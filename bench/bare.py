"""Minimal baselines: FastAPI and asyncpg, without what a real login needs.

``/verify``
    A TOTP step: reads the user, checks the code with three HMACs, burns the step and inserts a session. No attempt
    counter, lockout, encryption of the secret, known browser, audit row or signed token.
``/verify-securely``
    The same with security features, also in two statements: charges the attempt before checking the code and locks
    after five, decrypts the secret with AES-GCM, stores the digest of a refresh token and writes an audit row. No
    graduated lockout, known browser, signed token, log line or metrics.
``/me``
    A session check: reads session and user in one SELECT by the random ID that is the bearer token. No signature, idle
    timeout, credential epoch or count of backup codes.

None of them sends security headers or limits the size or duration of a request.
"""

import base64
import hmac
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Annotated
from uuid import UUID, uuid4

import asyncpg  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

SCHEMA = """
CREATE TABLE bare_users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    totp_secret text NOT NULL,
    totp_sealed bytea NOT NULL,
    totp_last_step bigint,
    attempts integer NOT NULL DEFAULT 0
);
CREATE TABLE bare_sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES bare_users (id),
    token text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE bare_audit (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    event text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
"""
_READ = "SELECT email, totp_secret, totp_last_step FROM bare_users WHERE id = $1"
_BURN_AND_OPEN = """
WITH burned AS (
    UPDATE bare_users SET totp_last_step = $2
    WHERE id = $1 AND (totp_last_step IS NULL OR totp_last_step < $2) RETURNING id
)
INSERT INTO bare_sessions (id, user_id, token) SELECT $3, id, $4 FROM burned RETURNING id
"""
_CHARGE = """
UPDATE bare_users SET attempts = attempts + 1 WHERE id = $1 AND attempts < 5 RETURNING email, totp_sealed
"""
_BURN_OPEN_AND_NOTE = """
WITH burned AS (
    UPDATE bare_users SET totp_last_step = $2, attempts = 0
    WHERE id = $1 AND (totp_last_step IS NULL OR totp_last_step < $2) RETURNING id
), noted AS (
    INSERT INTO bare_audit (id, user_id, event) SELECT $5, id, 'totp ok' FROM burned
)
INSERT INTO bare_sessions (id, user_id, token) SELECT $3, id, $4 FROM burned RETURNING id
"""
_WHO = """
SELECT bare_users.id, email FROM bare_sessions JOIN bare_users ON bare_users.id = user_id WHERE bare_sessions.id = $1
"""
_POOL_SIZE = 8
KEY, NONCE_BYTES = b"k" * 32, 12


class Entry(BaseModel):
    """The user and the code."""

    user: UUID
    code: str


class Who(BaseModel):
    """The signed-in user."""

    id: UUID
    email: str


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=_POOL_SIZE, max_size=_POOL_SIZE) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_connected, openapi_url=None)
_cipher = AESGCM(KEY)


@app.post("/verify")
async def verify(entry: Entry) -> dict[str, str]:
    """Accept each code once."""
    async with app.state.pool.acquire() as connection:
        user = await connection.fetchrow(_READ, entry.user)
        step = _matching_step(user["totp_secret"], int(entry.code), int(time.time()) // 30) if user else None
        token = secrets.token_urlsafe(32)
        if step is None or not await connection.fetchrow(_BURN_AND_OPEN, entry.user, step, uuid4(), token):
            raise HTTPException(401)
        return {"access_token": token, "email": user["email"]}


@app.post("/verify-securely")
async def verify_securely(entry: Entry) -> dict[str, str]:
    """Accept each code once, counting the attempt before the comparison."""
    async with app.state.pool.acquire() as connection:
        user = await connection.fetchrow(_CHARGE, entry.user)
        if user is None:
            raise HTTPException(429)
        sealed = user["totp_sealed"]
        secret = _cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], entry.user.bytes).decode()
        step = _matching_step(secret, int(entry.code), int(time.time()) // 30)
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        stored = sha256(refresh.encode()).hexdigest()
        if step is None or not await connection.fetchrow(
            _BURN_OPEN_AND_NOTE, entry.user, step, uuid4(), stored, uuid4()
        ):
            raise HTTPException(401)
        return {"access_token": access, "refresh_token": refresh, "email": user["email"]}


@app.get("/me")
async def me(authorization: Annotated[str, Header()]) -> Who:
    """Return the signed-in user."""
    async with app.state.pool.acquire() as connection:
        row = await connection.fetchrow(_WHO, UUID(authorization.removeprefix("Bearer ")))
    if row is None:
        raise HTTPException(401)
    return Who(id=row["id"], email=row["email"])


def _matching_step(secret: str, typed: int, current: int) -> int | None:
    key = base64.b32decode(secret)
    for step in (current - 1, current, current + 1):
        mac = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
        start = mac[-1] & 15
        if (int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF) % 1_000_000 == typed:
            return step
    return None
