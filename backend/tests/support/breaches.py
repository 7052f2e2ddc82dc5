"""A breach service on a loopback port, as the public one answers: hash suffixes and counts for a five-digit prefix."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha1


@dataclass
class BreachService:
    """Where it listens, what it was asked, and how it answers."""

    breached: frozenset[str]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    status: str = "200 OK"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(request)
        prefix = request.split()[1].rpartition("/")[2]
        hashes = [sha1(word.encode(), usedforsecurity=False).hexdigest().upper() for word in self.breached]
        lines = [f"{text[5:]}:42" for text in hashes if text.startswith(prefix)]
        padding = [f"{number:035X}:0" for number in range(3)]
        body = "\r\n".join([*padding, *lines])
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def breach_service(*breached: str) -> AsyncIterator[BreachService]:
    """A service that knows these passwords."""
    service = BreachService(frozenset(breached))
    server = await asyncio.start_server(service.answer, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/range"
    async with server:
        yield service
