"""A machine set up by the guide: a folder, a database, and its commands as a shell runs them."""

import asyncio
import re
import subprocess
import time
from asyncio import to_thread
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pyotp
import sqlalchemy as sa
from alembic.config import main
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.cluster import find_programs
from tests.conftest import SECRET_KEY
from tests.support.mail import code_in
from tests.support.processes import BACKEND, Server, environment, run
from tests.support.walk import Account, enroll

ENV_FILE = """\
# Database
DATABASE_URL={url}

# JWT
SECRET_KEY={key}
ALGORITHM=HS256
ACCESS_TOKEN_EXPIRE_MINUTES=30
REFRESH_TOKEN_EXPIRE_DAYS=7

# OTP (email-based, for enrollment)
OTP_EXPIRE_MINUTES=5

# CORS
CORS_ORIGINS=http://localhost:5173

# Application
DEBUG=False
"""
ALICE, PASSWORD = "alice@student.com", "paper-lantern-orchard-61"
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


@dataclass
class Deployment:
    """One database and the settings that name it."""

    backend: Path
    url: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        return environment(
            self.backend, **{"DATABASE_URL": self.url, "SECRET_KEY": SECRET_KEY, "DEBUG": "False", **self.settings}
        )

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the guide in the backend's folder."""
        return run(command, folder=self.backend, env=self.env)

    def done(self, command: str) -> str:
        """Run a command that has to succeed, and return what it printed."""
        result = self.run(command)
        assert result.returncode == 0, result.stderr
        return result.stdout

    async def alembic(self, arguments: str) -> str:
        """Run ``alembic …`` in this process, which takes a tenth of the time, and return what it refuses with, if so."""
        try:
            await to_thread(main, ["-c", str(BACKEND / "alembic.ini"), *arguments.split()])
        except SystemExit as refused:
            return str(refused.code)
        return ""

    async def sql(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement on the database and return its rows."""
        scheme, _, rest = self.url.partition("://")
        engine = create_async_engine(f"{DRIVERS[scheme]}://{rest}", poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                result = await connection.execute(sa.text(statement), parameters)
                return [tuple(row) for row in result.all()] if result.returns_rows else []
        finally:
            await engine.dispose()

    async def file_of_users(self) -> bytes:
        """The bytes of the file that the table lies in."""
        if self.url.startswith("sqlite"):
            return await to_thread(Path(self.url.removeprefix("sqlite:///")).read_bytes)
        await self.sql("CHECKPOINT")
        ((kept,),) = await self.sql("SELECT pg_read_binary_file(pg_relation_filepath('users'))")
        return bytes(kept)

    async def revision(self) -> str | None:
        rows = await self.sql("SELECT version_num FROM alembic_version")
        return str(rows[0][0]) if rows else None


def a_server(command: str, backend: Path, port: int) -> Server:
    # uvicorn reads its options from the environment, too, so that the command stays as it is.
    env = environment(backend, UVICORN_PORT=str(port))
    return Server(command, port=port, folder=backend, env=env, log=backend / "server.log")


def walk_the_first_login(server: Server) -> str:
    """The guide's Test Flow 1, from password to backup codes; return the secret."""
    account = Account(uuid4(), ALICE, PASSWORD)

    async def emailed_code() -> str:
        line = await to_thread(server.line_with, f"Email code for {ALICE}")
        assert re.fullmatch(rf"Email code for {ALICE}: [0-9]{{6}} \(valid 5 minutes\)", line)
        return code_in(line)

    async def walk() -> None:
        async with httpx.AsyncClient(base_url=server.url, headers={"Origin": "http://localhost:5173"}) as http:
            *_, shown, _ = await enroll(lambda path, body: http.post(path, json=body), account, emailed_code)
        assert shown.json()["qr_code"].startswith("data:image/png;base64,")

    asyncio.run(walk())
    return str(account.secret)


def postgres_environment(url: str) -> dict[str, str]:
    """An environment in which psql, pg_dump and the like find the server of *url*, and the programs that fit it."""
    at = httpx.URL(url)
    known = {"PGHOST": at.host, "PGPORT": str(at.port), "PGUSER": at.username, "PGPASSWORD": at.password}
    env = environment(BACKEND, **known)
    return {**env, "PATH": f"{find_programs()}:{env['PATH']}"}


def psql(url: str, command: str) -> str:
    """Run a psql command of the guide on the server of *url*."""
    result = run(command, folder=BACKEND, env=postgres_environment(url))
    assert result.returncode == 0, result.stderr
    return result.stdout


def step_of(server: Server) -> str:
    """Where Alice's password leads."""
    response = httpx.post(f"{server.url}/auth/login", json={"email": ALICE, "password": PASSWORD}, timeout=60)
    assert response.status_code == 200, response.text
    return str(response.json()["step"])


def sign_in(server: Server, secret: str) -> str:
    """Sign Alice in with the code of the next half minute: the one she enrolled with is spent."""
    with httpx.Client(base_url=server.url, timeout=60) as http:
        begun = http.post("/auth/login", json={"email": ALICE, "password": PASSWORD})
        assert begun.json()["step"] == "totp", begun.text
        response = http.post("/auth/totp/verify", json={"code": pyotp.TOTP(secret).at(int(time.time()) + 30)})
        assert response.status_code == 200, response.text
        return str(response.json()["step"])
