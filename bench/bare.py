"""The smallest service that could do a TOTP step: FastAPI and asyncpg, and nothing that makes it a login.

It reads the user, checks the code with three HMACs, burns the step and inserts a session. No attempt counter, no
lockout, no encryption of the secret, no browser, no audit row, no token but a random one, no security headers.
"""

import base64
import hmac
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg  # type: ignore[import-untyped]
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

SCHEMA = """
CREATE TABLE bare_users (id uuid PRIMARY KEY, email text NOT NULL, totp_secret text NOT NULL, totp_last_step bigint);
CREATE TABLE bare_sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES bare_users (id),
    token text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
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
_POOL_SIZE = 8


class Entry(BaseModel):
    """Who, and the code."""

    user: UUID
    code: str


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=_POOL_SIZE, max_size=_POOL_SIZE) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_connected, openapi_url=None)


@app.post("/verify")
async def verify(entry: Entry) -> dict[str, str]:
    """Take a code, once."""
    async with app.state.pool.acquire() as connection:
        user = await connection.fetchrow(_READ, entry.user)
        step = _matching_step(user["totp_secret"], int(entry.code), int(time.time()) // 30) if user else None
        token = secrets.token_urlsafe(32)
        if step is None or not await connection.fetchrow(_BURN_AND_OPEN, entry.user, step, uuid4(), token):
            raise HTTPException(401)
        return {"access_token": token, "email": user["email"]}


def _matching_step(secret: str, typed: int, current: int) -> int | None:
    key = base64.b32decode(secret)
    for step in (current - 1, current, current + 1):
        mac = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
        start = mac[-1] & 15
        if (int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF) % 1_000_000 == typed:
            return step
    return None
