"""Counts the round trips between a service and its database, with a relay between the two."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit, urlunsplit

from bench.client import HOST, Clients, Load

Serve = Callable[..., AbstractContextManager[tuple[int, ...]]]
"""Starts a service for a database URL with a number of workers, and yields their ports."""

_CHUNK = 64 * 1024
_NO_TLS, _READY = b"N", ord("Z")
_HEAD = 5
"""Bytes before the body of a message: one for its type, and four for the length of everything after the type."""


class RoundTrips:
    """Counts ReadyForQuery messages; the server ends each response with one (PostgreSQL manual, message formats)."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._database = (parts.hostname or HOST, parts.port or 5432)
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._relay, HOST, 0))
        user, _, _ = parts.netloc.rpartition("@")
        port = self._server.sockets[0].getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{user}@{HOST}:{port}"))
        self.count = 0

    def run(self) -> None:
        """Relay until stopped."""
        self._loop.run_forever()

    def stop(self) -> None:
        """Stop. Call this from another thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _relay(self, client: asyncio.StreamReader, responses: asyncio.StreamWriter) -> None:
        server, requests = await asyncio.open_connection(*self._database)
        await asyncio.gather(self._forward(client, requests), self._count(server, responses))

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK):
            target.write(data)
        target.close()

    async def _count(self, server: asyncio.StreamReader, responses: asyncio.StreamWriter) -> None:
        first = await server.read(1)
        responses.write(first)
        # The response to SSLRequest is this single byte, not a message.
        rest = b"" if first == _NO_TLS else first
        while data := await server.read(_CHUNK):
            responses.write(data)
            rest = self._count_in(rest + data)
        responses.close()

    def _count_in(self, data: bytes) -> bytes:
        """Count in complete messages, and return the incomplete rest."""
        at = 0
        while at + _HEAD <= len(data):
            end = at + 1 + int.from_bytes(data[at + 1 : at + _HEAD], "big")
            if end > len(data):
                break
            self.count += data[at] == _READY
            at = end
        return data[at:]


def each_takes(requests: Sequence[bytes], url: str, serve: Serve, load: Clients) -> int:
    """Return the round trips of one request; the first half of *requests* only prepares the statements."""
    half = len(requests) // 2
    with _counted(url) as relay, serve(relay.url, workers=1) as ports:
        load.run(Load(ports, tuple(requests[:half]), 1))
        before = relay.count
        load.run(Load(ports, tuple(requests[half:]), 1))
        return round((relay.count - before) / (len(requests) - half))


@contextmanager
def _counted(url: str) -> Iterator[RoundTrips]:
    """Yield a relay to the database at *url*; the service must connect to the relay's ``url``."""
    relay = RoundTrips(url)
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.stop()
        thread.join()
