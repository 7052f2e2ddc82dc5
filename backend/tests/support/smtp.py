"""A real mail server in the test's process, which can also be slow, deaf or rude."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Protocol

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from focys.settings import Settings
from tests.conftest import settings_for

USER, PASSWORD = "focys@mail.example", "s3cret-of-the-mail-server"


@dataclass
class MailServer:
    """What it received, and how it is to behave: *answers* come before emails are accepted, *refused* are addresses."""

    port: int = 0
    ca_file: str = ""
    user: str = USER
    password: str = PASSWORD
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    wait: float = 0
    on_arrival: Callable[..., None] = lambda _message, *, over_tls: None

    async def handle_RCPT(  # noqa: N802  its name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  its name
        await asyncio.sleep(self.wait)
        if self.answers:
            return self.answers.pop(0)
        parsed = message_from_bytes(envelope.original_content or b"", policy=default)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        self.recipients.append([str(address) for address in envelope.rcpt_tos])
        assert server.transport is not None
        self.over_tls.append(server.transport.get_extra_info("ssl_object") is not None)
        self.on_arrival(parsed, over_tls=self.over_tls[-1])
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        is_right = (data.login, data.password) == (self.user.encode(), self.password.encode())
        # With handled=True the client would wait forever.
        return AuthResult(success=is_right, handled=False)


class _ChoosySMTP(SMTP):
    """Refuses some senders."""

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802  its name
        if any(f"<{address}>" in (arg or "") for address in self.event_handler.refused):
            await self.push("553 5.7.1 Not your address")
        else:
            await super().smtp_MAIL(arg)


@contextlib.asynccontextmanager
async def mail_server(
    tmp_path: Any, *, security: str = "starttls", kept: MailServer | None = None, authority: trustme.CA | None = None
) -> AsyncIterator[MailServer]:
    """A server on a free port with a certificate for localhost and smtp.example.com, whose authority is in ``ca_file``.

    What *kept* says of its port, user and password counts.
    """
    authority = authority or trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "smtp.example.com").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    kept = kept or MailServer()
    kept.ca_file = str(ca_file)

    def protocol() -> SMTP:
        return _ChoosySMTP(
            kept,
            hostname="localhost",
            tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls",
            # The library would warn of a login that asks for no STARTTLS, although TLS is there from the first byte.
            auth_required=security == "starttls",
            auth_require_tls=security == "starttls",
            authenticator=kept.authenticate,
        )

    # It tells every address it is given, in the log of the process it runs in: here, the service's.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    async with accepting(protocol, "localhost", kept.port, context if security == "tls" else None) as kept.port:
        yield kept


class Conversation(Protocol):
    """The server's end of a connection."""

    @property
    def transport(self) -> asyncio.BaseTransport | None: ...


@contextlib.asynccontextmanager
async def accepting(
    converse: Callable[[], Conversation], host: str, port: int = 0, context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Accept connections, and yield the port; at the end, none is left open to be reported in a later test."""
    accepted: list[Conversation] = []

    def accept() -> Any:
        accepted.append(converse())
        return accepted[-1]

    server = await asyncio.get_running_loop().create_server(accept, host, port, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in (conversation.transport for conversation in accepted):
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        # A transport closes its socket in the next round of the loop.
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def deaf_server() -> AsyncIterator[int]:
    """A port that takes connections and never says a word."""
    held: list[asyncio.StreamWriter] = []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for writer in held:
            writer.close()
        server.close()


def settings_of(server: MailServer, **more: Any) -> Settings:
    values = {
        "smtp_host": "localhost",
        "smtp_port": server.port or 587,
        "smtp_user": USER,
        "smtp_password": PASSWORD,
        "smtp_ca_file": server.ca_file or None,
        **more,
    }
    return settings_for("", **values)


def parts_of(message: EmailMessage) -> tuple[str, str]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return str(text.get_content()), str(html.get_content())
