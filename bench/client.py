"""The load: keep-alive connections that send prepared requests, in a process of their own, the same for both sides.

A client library would cost more than the server it measures, so this reads no more of an answer than it must: the
status, the length, and that all of it has come.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import uvloop

HOST = "127.0.0.1"
COOKIE = b"the-cookie-of-this-login"
_SET_COOKIE = re.compile(rb"(?i)\r\nset-cookie: ([^;=]*login=[^;]*);")
_END_OF_HEADERS = b"\r\n\r\n"
_LENGTH = b"content-length:"


Message = bytes | tuple[bytes, ...]


class UnexpectedAnswerError(Exception):
    """An answer was no success, so what was measured is not what was meant."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run sends: every request once, or again and again for so many seconds, or once as far as those go.

    With ``per_second`` the requests leave at that pace whatever comes back, and waiting for one's turn counts.
    Requests in a tuple are sent in turn and count as one; in the later ones ``COOKIE`` stands for the login that the
    first has begun. With ``authority``, a file of trusted certificates, all goes over TLS to ``name``, and each
    connection comes from a loopback address of its own.
    """

    ports: tuple[int, ...]
    requests: tuple[Message, ...]
    connections: int
    seconds: float | None = None
    once: bool = False
    per_second: float | None = None
    authority: Path | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """What came back: seconds for each answer, and for the whole run."""

    latencies: tuple[float, ...]
    elapsed: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.elapsed


def request(method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None) -> bytes:
    """Return an HTTP/1.1 request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "User-Agent: bench/1"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Clients:
    """Client processes, one for each load that runs at the same time."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def start(self, load: Load) -> "Future[Served]":
        """Begin a load beside others."""
        return self._pool.submit(run, load)

    def run(self, load: Load) -> Served:
        """Send a load and wait for its end."""
        return self.start(load).result()


@contextmanager
def clients(processes: int = 1) -> Iterator[Clients]:
    """Yield warm client processes."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for started in [pool.submit(time.sleep, 0.05) for _ in range(processes)]:
            started.result()
        yield Clients(pool)


def run(load: Load) -> Served:
    """Send a load from this process."""
    return uvloop.run(_run(load))


def ask(port: int, message: bytes) -> bytes:
    """Send one request and return its body."""

    async def once() -> bytes:
        connection = await _connect(port)
        try:
            return await connection.call(message)
        finally:
            connection.close()

    return asyncio.run(once())


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request on its way at a time."""

    def __init__(self) -> None:
        self._received = self.cookie = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def call(self, message: bytes) -> "asyncio.Future[bytes]":
        """Send a request; the future holds the body of its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._received = b""
        self._transport.write(message)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, ended, body = self._received.partition(_END_OF_HEADERS)
        if ended and self._answer is not None and len(body) >= _length_of(head):
            if head.startswith(b"HTTP/1.1 200"):
                found = _SET_COOKIE.search(head)
                self.cookie = found.group(1) if found else b""
                self._answer.set_result(body)
            else:
                self._answer.set_exception(UnexpectedAnswerError((head[:12] + b" " + body[:300]).decode()))
            self._answer = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None:
            self._answer.set_exception(exc or ConnectionError("the server closed the connection"))

    def close(self) -> None:
        self._transport.close()


def _length_of(head: bytes) -> int:
    start = head.lower().find(_LENGTH)
    return int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0]) if start >= 0 else 0


async def _connect(
    port: int, *, source: str | None = None, trust: ssl.SSLContext | None = None, name: str | None = None
) -> _Connection:
    local = (source, 0) if source else None
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        _Connection, HOST, port, local_addr=local, ssl=trust, server_hostname=name
    )
    return connection


async def _connect_all(load: Load) -> list[_Connection]:
    ports = [load.ports[i % len(load.ports)] for i in range(load.connections)]
    if load.authority is None:
        return [await _connect(port) for port in ports]
    trust = ssl.create_default_context(cafile=load.authority)
    return [
        await _connect(port, source=f"127.1.{i // 250}.{i % 250 + 1}", trust=trust, name=load.name)
        for i, port in enumerate(ports)
    ]


async def _run(load: Load) -> Served:
    connections = await _connect_all(load)
    latencies: list[float] = []
    began = time.perf_counter()
    due = _moments(load, began)
    # All connections take from one queue, so a slow worker cannot hold up the end of the run.
    queue: Iterable[tuple[Message, float | None]] = zip(
        load.requests if load.seconds is None or load.once else cycle(load.requests), due, strict=False
    )
    await asyncio.gather(*(_work(connection, iter(queue), latencies) for connection in connections))
    elapsed = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return Served(tuple(latencies), elapsed)


def _moments(load: Load, began: float) -> Iterator[float | None]:
    """Yield when each request is to leave, or None for at once, until the time is over."""
    number = 0
    while load.seconds is None or time.perf_counter() < began + load.seconds:
        yield began + number / load.per_second if load.per_second else None
        number += 1


async def _work(connection: _Connection, queue: Iterator[tuple[Message, float | None]], latencies: list[float]) -> None:
    for message, due in queue:
        started = time.perf_counter()
        if due is not None:
            await asyncio.sleep(max(0.0, due - started))
            started = due
        first, *later = (message,) if isinstance(message, bytes) else message
        await connection.call(first)
        for one in later:
            await connection.call(one.replace(COOKIE, connection.cookie))
        latencies.append(time.perf_counter() - started)


def percentile(latencies: Sequence[float], percent: float) -> float:
    """Return the latency, in milliseconds, that so many percent of the answers stayed within."""
    ranked = sorted(latencies)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))] * 1000
