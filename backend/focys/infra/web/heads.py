"""Uvicorn's HTTP protocol with limits on a request's head, like nginx's: its size, and the time it takes to arrive."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

PROTOCOL = "focys.infra.web.heads:LimitedHeads"
"""The name of the protocol, for uvicorn's setting ``http``."""

HEAD_SECONDS = 5
MAX_HEAD_BYTES = 64 * 1024

_TOO_SLOW, _TOO_LARGE = "408 Request Timeout", "431 Request Header Fields Too Large"


class LimitedHeads(HttpToolsProtocol):
    """Closes a connection whose head is too large or takes too long. Bodies and responses have limits elsewhere."""

    _deadline: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Wait for the first head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, and count it while the head is incomplete."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._deadline is None:
            return
        self._received += len(data)
        if self._received > MAX_HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Wait for the rest of this head, which may follow another request on the same connection."""
        if self._deadline is None:
            self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop waiting: the head is complete."""
        self._stop_waiting()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._received = 0
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, _TOO_SLOW)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: str) -> None:
        self._stop_waiting()
        # Before the first byte of a request, there is nothing to respond to; a response in progress must not be torn.
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self._received:
            self.transport.write(f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
        self.transport.close()
