"""Without nginx, the service itself limits the head of a request: its size, and the time it takes to arrive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from focys.infra.web import heads
from tests.support.processes import free_port

Connect = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """An app whose responses take a second if the path says so."""
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    port = free_port()
    config = uvicorn.Config(echo, port=port, http=heads.PROTOCOL, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    for _ in range(1000):
        if server.started:
            break
        await asyncio.sleep(0.01)
    yield port
    server.should_exit = True
    await task


@pytest.fixture
async def connected(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """A connection to a server that waits half a second for a head."""
    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.5)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield reader, writer
        writer.close()


@pytest.mark.parametrize(
    ("sent", "response"),
    [(b"", b""), (b"G", b"HTTP/1.1 408 "), (HEAD, b"HTTP/1.1 408 "), (HEAD + b"X-A: b", b"HTTP/1.1 408 ")],
)
async def test_a_head_that_does_not_arrive_is_cut_off(connected: Connect, sent: bytes, response: bytes):
    """AVL-06."""
    reader, writer = connected
    began = monotonic()
    writer.write(sent)

    received = await reader.read()

    assert received.startswith(response)
    assert bool(received) is bool(response)
    assert 0.4 < monotonic() - began < 5


async def test_a_second_head_is_cut_off_too(connected: Connect):
    """AVL-06: after a complete request on the same connection."""
    reader, writer = connected
    writer.write(HEAD + b"\r\n")
    first = await reader.readuntil(b"ok")
    writer.write(HEAD)

    rest = await reader.read()

    assert first.startswith(b"HTTP/1.1 200 ")
    assert rest.startswith(b"HTTP/1.1 408 ")


async def test_a_large_head_is_refused_before_it_has_been_read(connected: Connect):
    """AVL-06."""
    reader, writer = connected
    writer.write(HEAD)
    sent = 0
    try:
        for _ in range(1000):
            writer.write(b"X-Large: " + b"a" * 8000 + b"\r\n")
            sent += 8000
            await writer.drain()
            await asyncio.sleep(0)
        received = await reader.read()
    except ConnectionError:
        received = b"HTTP/1.1 431 "

    assert received.startswith(b"HTTP/1.1 431 ")
    assert sent < 8_000_000


async def test_a_slow_response_is_not_cut_off(connected: Connect):
    reader, writer = connected
    writer.write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")

    received = await reader.readuntil(b"ok")

    assert received.startswith(b"HTTP/1.1 200 ")


async def test_a_slow_body_is_left_to_the_app(connected: Connect):
    """It has a limit of its own, in ``RequestGuard``."""
    reader, writer = connected
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n")
    await asyncio.sleep(1)
    writer.write(b"{}")

    received = await reader.readuntil(b"ok")

    assert received.startswith(b"HTTP/1.1 200 ")
