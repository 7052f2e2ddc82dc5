"""A mail server that meets each connection with another trouble, until it has run out of them."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.smtp import MailServer, accepting

SECONDS_PER_BYTE = 1


class Refusing(MailServer):
    """It takes nobody's emails."""

    async def handle_RCPT(  # noqa: N802  its name
        self, _server: SMTP, _session: Session, _envelope: Envelope, _address: str, _options: Any
    ) -> str:
        return "550 nobody here"


class Saying(asyncio.Protocol):
    """Says one thing, a byte at a time if it is *slow*, or nothing; then it hangs up or is silent forever."""

    def __init__(self, words: bytes, *, slow: bool = False, hangs_up: bool = False) -> None:
        self._words, self._slow, self._hangs_up = words, slow, hangs_up
        self._speaking: asyncio.Task[None] | None = None
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        self._speaking = asyncio.get_running_loop().create_task(self._speak(transport))

    def connection_lost(self, _fault: Exception | None) -> None:
        if self._speaking is not None:
            self._speaking.cancel()

    async def _speak(self, transport: asyncio.WriteTransport) -> None:
        for byte in self._words if self._slow else ():
            transport.write(bytes([byte]))
            await asyncio.sleep(SECONDS_PER_BYTE)
        if not self._slow:
            transport.write(self._words)
        if self._hangs_up:
            transport.close()


@contextlib.asynccontextmanager
async def troubled_server(port: int, authority: trustme.CA, troubles: list[str]) -> AsyncIterator[MailServer]:
    """Serve on *port*: one connection for each of *troubles*, and from then on every email is taken."""
    kept = MailServer(port)

    def speaking(handler: MailServer, trusted: trustme.CA) -> SMTP:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trusted.issue_cert("localhost").configure_cert(context)
        return SMTP(
            handler,
            hostname="localhost",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            auth_require_tls=True,
            authenticator=kept.authenticate,
        )

    meetings: dict[str, Callable[[], Saying | SMTP]] = {
        "silent": lambda: Saying(b""),
        "slow": lambda: Saying(b"220 mail.example is here, and in no hurry at all\r\n", slow=True),
        "421": lambda: Saying(b"421 come again later\r\n", hangs_up=True),
        "hangs up": lambda: Saying(b"", hangs_up=True),
        "550": lambda: speaking(Refusing(port), authority),
        "certificate of a stranger": lambda: speaking(kept, trustme.CA()),
    }

    def met() -> Saying | SMTP:
        return meetings[troubles.pop(0)]() if troubles else speaking(kept, authority)

    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    async with accepting(met, "127.0.0.1", port):
        yield kept
