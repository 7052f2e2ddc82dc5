"""Somebody who calls the service, one connection per request, and may get no response."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from itertools import count
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.service import AS_OUR_PAGE

ANSWER_SECONDS = 60
STALL_SECONDS = 60
"""How long nobody at all may go without a response before a test gives up; a busy machine is slow, but goes on."""

_numbers = count(1)


@dataclass
class Call:
    """A request on its way."""

    port: int
    is_over: bool = False


@dataclass
class Line:
    """The way to the service, with what has been asked on it and what became of that."""

    url: str
    asked: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    unavailable: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    slowest: float = 0
    usual: dict[str, float] = field(default_factory=dict)
    awaited: dict[str, asyncio.Future[Call]] = field(default_factory=dict)
    last_served: float | None = None

    async def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response | None:
        """Return the response, or None if the connection ended without one."""
        self.asked[path] += 1
        began = monotonic()
        self.last_served = self.last_served or began
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                response = _parsed(await self._exchange(method, path, json.dumps(body).encode(), headers))
        except ConnectionError:
            response = None
        if response is None:
            self.unanswered[path] += 1
            return None
        took = monotonic() - began
        self.slowest = max(self.slowest, took)
        self.usual[path] = 0.8 * self.usual.get(path, took) + 0.2 * took
        self.taken[path] += response.is_success
        if response.status_code == 503:
            self.unavailable[path] += 1
            return response
        self.last_served = monotonic()
        if response.status_code >= 500:
            self.broken.append(f"{method} {path}: {response.status_code} {response.text[:200]}")
        return response

    @property
    def is_served(self) -> bool:
        """Whether anyone has had a response of late."""
        return self.last_served is None or monotonic() - self.last_served < STALL_SECONDS

    async def next_call(self, path: str) -> Call:
        """Return the next POST to *path*, the moment it is sent."""
        self.awaited[path] = asyncio.get_running_loop().create_future()
        return await self.awaited[path]

    async def _exchange(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> bytes:
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        fields = {
            "Host": parts.netloc,
            # A kept connection that its worker has left would be mistaken for a request that died.
            "Connection": "close",
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **headers,
        }
        call = Call(writer.get_extra_info("sockname")[1])
        try:
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
            if method == "POST" and path in self.awaited:
                self.awaited.pop(path).set_result(call)
            return await reader.read()
        finally:
            call.is_over = True
            writer.close()


def _parsed(received: bytes) -> httpx.Response | None:
    """Return the response, if the whole of it has come."""
    head, _, content = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    length = int(dict(headers).get("content-length", -1))
    return httpx.Response(int(first.split()[1]), headers=headers, content=content) if len(content) == length else None


class Caller:
    """A browser, as far as the service can tell: cookies of its own, from a network of its own."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.cookies: dict[str, str] = {}
        self.move()

    def move(self) -> None:
        """Go on from another network; what a lost request has charged to the last one stays there."""
        number = next(_numbers)
        self.source = f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"

    async def ask(
        self, path: str, body: Any = None, *, method: str = "POST", bearer: str | None = None
    ) -> httpx.Response | None:
        """Ask once; None where no response came."""
        headers = {"X-Forwarded-For": self.source, **AS_OUR_PAGE}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        response = await self.line.send(method, path, {} if body is None else body, headers)
        for text in response.headers.get_list("Set-Cookie") if response is not None else ():
            for name, morsel in SimpleCookie(text).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return response
