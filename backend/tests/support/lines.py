"""Requests that leave at the same instant, over open connections; a client library is too slow for that."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import httpx

from tests.support.processes import Server

ANSWER_SECONDS = 60
HOST = "127.0.0.1"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")


def post(path: str, body: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
    """A request in wire format."""
    content = json.dumps(body).encode()
    fields = {"Host": HOST, "Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content


class Lines:
    """Keep-alive connections, each to the next of several servers in turn."""

    def __init__(self, connections: Sequence[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
        self._connections = connections

    async def release(self, requests: Sequence[bytes]) -> list[httpx.Response]:
        """Send one request on each line, as many as there are, and return the responses in the same order.

        The last byte of each is held back until the rest has been sent, so that all requests complete together.
        """
        used = self._connections[: len(requests)]
        for (_, writer), request in zip(used, requests, strict=True):
            writer.write(request[:-1])
        for (_, writer), request in zip(used, requests, strict=True):
            writer.write(request[-1:])
        async with asyncio.timeout(ANSWER_SECONDS):
            return list(await asyncio.gather(*(_answer(reader) for reader, _ in used)))


@asynccontextmanager
async def open_lines(servers: Sequence[Server], number: int) -> AsyncIterator[Lines]:
    """Open this many lines, and close them at the end of the block."""
    ports = [servers[i % len(servers)].port for i in range(number)]
    connections = [await asyncio.open_connection(HOST, port) for port in ports]
    try:
        yield Lines(connections)
    finally:
        for _, writer in connections:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> httpx.Response:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    assert length is not None, head
    return httpx.Response(int(head.split()[1]), content=await reader.readexactly(int(length[1])))
