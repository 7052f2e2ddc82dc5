"""Somebody who attacks through nginx: each request on a connection of its own, from any loopback address, with any header."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from itertools import count
from typing import Any

from tests.deploy.front import Front
from tests.deploy.shipped import DOMAIN

FORWARDED = ("X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "Client-IP")
ANSWER_SECONDS = 60

_numbers = count(1)


def a_source() -> str:
    """A loopback address that nobody has called from."""
    number = next(_numbers)
    return f"127.{16 + number // 65536}.{number // 256 % 256}.{number % 256}"


def forged() -> dict[str, str]:
    """Headers of every kind that name one address, another one each time."""
    number = next(_numbers)
    address = f"203.{number // 65536}.{number // 256 % 256}.{number % 256}"
    return {**dict.fromkeys(FORWARDED, address), "Forwarded": f"for={address}", "X_Forwarded_For": address}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: dict[str, Any]

    @property
    def told(self) -> str:
        """The code of a refusal, or the step that was reached."""
        return str(self.body.get("code") or self.body.get("step"))


@dataclass
class Challenge:
    """One login in progress, as its cookies: they go with every request, whatever connection it takes."""

    front: Front
    trust: ssl.SSLContext
    cookies: dict[str, str] = field(default_factory=dict)

    async def post(
        self, path: str, body: Any, *, source: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask over a fresh connection, from an address of its own unless *source* says from which."""
        content = json.dumps(body).encode()
        lines = {
            "Host": DOMAIN,
            "Connection": "close",
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            **(headers or {}),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        async with asyncio.timeout(ANSWER_SECONDS):
            return self._read(
                await self._exchange(f"POST /api{path} HTTP/1.1\r\n{head}\r\n".encode() + content, source)
            )

    async def _exchange(self, request: bytes, source: str | None) -> bytes:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            self.front.tls_port,
            ssl=self.trust,
            server_hostname=DOMAIN,
            local_addr=(source or a_source(), 0),
        )
        writer.write(request)
        try:
            return await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _read(self, response: bytes) -> Answer:
        head, _, content = response.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        for name, _, value in (line.partition(": ") for line in lines):
            if name.lower() == "set-cookie":
                self.cookies |= {key: morsel.value for key, morsel in SimpleCookie(value).items()}
        return Answer(int(status.split()[1]), json.loads(content or b"{}"))
