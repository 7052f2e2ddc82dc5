"""The load generator: separate processes that send prepared requests over keep-alive connections.

A client library would use more CPU than the server it measures, so this parses only the status, the length and the
login cookie of a response.
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


class UnexpectedResponseError(Exception):
    """A response was not a success, so the measurement is invalid."""


@dataclass(frozen=True, slots=True)
class Load:
    """The requests of one run.

    Without ``seconds``, every request is sent once; with ``seconds``, they are repeated for that long, or sent at most
    once if ``once`` is set. With ``per_second``, requests are sent at that rate regardless of responses, and latency
    counts from the scheduled time. Requests in a tuple are sent in order and count as one; in the later ones,
    ``COOKIE`` stands for the cookie of the login that the first one started. With ``authority``, a file of trusted
    certificates, requests are sent over TLS to ``name``, and each connection has its own loopback address.
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
    """The result of a run: seconds for each response, and for the whole run."""

    latencies: tuple[float, ...]
    elapsed: float

    @property
    def rate(self) -> float:
        """Responses per second."""
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
        """Start sending a load, concurrently with others."""
        return self._pool.submit(run, load)

    def run(self, load: Load) -> Served:
        """Send a load and wait for the result."""
        return self.start(load).result()


@contextmanager
def clients(processes: int = 1) -> Iterator[Clients]:
    """Yield client processes that are already running."""
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
    """A keep-alive connection with at most one request in progress."""

    def __init__(self) -> None:
        self._received = self.cookie = b""
        self._response: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def call(self, message: bytes) -> "asyncio.Future[bytes]":
        """Send a request; the future returns the body of the response."""
        self._response = asyncio.get_running_loop().create_future()
        self._received = b""
        self._transport.write(message)
        return self._response

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, ended, body = self._received.partition(_END_OF_HEADERS)
        if ended and self._response is not None and len(body) >= _length_of(head):
            if head.startswith(b"HTTP/1.1 200"):
                found = _SET_COOKIE.search(head)
                self.cookie = found.group(1) if found else b""
                self._response.set_result(body)
            else:
                self._response.set_exception(UnexpectedResponseError((head[:12] + b" " + body[:300]).decode()))
            self._response = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._response is not None:
            self._response.set_exception(exc or ConnectionError("the server closed the connection"))

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
    # All connections share one queue, so a slow worker cannot delay the end of the run.
    queue: Iterable[tuple[Message, float | None]] = zip(
        load.requests if load.seconds is None or load.once else cycle(load.requests), due, strict=False
    )
    await asyncio.gather(*(_work(connection, iter(queue), latencies) for connection in connections))
    elapsed = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return Served(tuple(latencies), elapsed)


def _moments(load: Load, began: float) -> Iterator[float | None]:
    """Yield the scheduled time of each request, or None for immediately, until the run's time is up."""
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
    """Return this percentile of the latencies, in milliseconds."""
    ranked = sorted(latencies)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))] * 1000
