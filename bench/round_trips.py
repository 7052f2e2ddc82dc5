"""How often a service asks its database: a relay between the two that counts the answers."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit, urlunsplit

from bench.client import HOST, Clients, Load

Serve = Callable[..., AbstractContextManager[tuple[int, ...]]]
"""Starts a service on a database's URL, with so many workers, and yields their ports."""

_CHUNK = 64 * 1024
_NO_TLS, _READY = b"N", ord("Z")
_HEAD = 5
"""Bytes before the body of a message: its kind, and the length of all but the kind."""


class RoundTrips:
    """Counts ReadyForQuery: the server ends each answer with one (PostgreSQL's manual, message formats)."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._there = (parts.hostname or HOST, parts.port or 5432)
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
        """Stop; to be called from another thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _relay(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        server, questions = await asyncio.open_connection(*self._there)
        await asyncio.gather(self._pass_on(client, questions), self._count(server, answers))

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK):
            target.write(data)
        target.close()

    async def _count(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        first = await server.read(1)
        answers.write(first)
        # The answer to "can we speak TLS?" is this one byte and no message.
        rest = b"" if first == _NO_TLS else first
        while data := await server.read(_CHUNK):
            answers.write(data)
            rest = self._count_in(rest + data)
        answers.close()

    def _count_in(self, data: bytes) -> bytes:
        """Count in whole messages and return what is left of the last one."""
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
    """Yield a relay to the database of *url*; its own ``url`` is what the service is to be given."""
    relay = RoundTrips(url)
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.stop()
        thread.join()
