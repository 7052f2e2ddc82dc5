"""Sends email by SMTP if a host is configured; otherwise prints it, as the guide's first steps expect."""

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from typing import Protocol, TextIO
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aiosmtplib
from jinja2 import Environment, PackageLoader, StrictUndefined

from focys.infra.ops.console import Unblocked, fd_of
from focys.settings import Settings

SMTP_TIMEOUT_SECONDS = 10
WHOLE_TRY_SECONDS = 40
"""Even if the server is slow at every command, this attempt ends before another worker may retry the message."""

_IMPLICIT_TLS_PORT = 465

_templates = Environment(
    loader=PackageLoader("focys.infra.mail"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Message:
    """One email: a subject, short paragraphs, and optionally a code to show in large type.

    ``console`` is the line printed instead if no SMTP host is configured.
    """

    subject: str
    paragraphs: tuple[str, ...]
    console: str
    code: str | None = None


class MailError(Exception):
    """The email was not accepted; the text says why and quotes nothing from the email.

    ``answer`` is the server's own response. It may contain the recipient's address, so show it to an operator but do
    not log it.
    """

    def __init__(self, cause: str, answer: str = "") -> None:
        super().__init__(cause)
        self.answer = answer


class Mailer(Protocol):
    """Delivers one message to one address.

    Retries of a message pass the same ``key``. It becomes the Message-ID, by which email programs detect duplicates.
    """

    async def send(self, to: str, message: Message, now: datetime, key: UUID | None = None) -> None:
        """Deliver the message, or raise MailError."""
        ...


class ConsoleMailer:
    """Prints each message's ``console`` line; on a terminal, a code is shown in a box, apart from the log."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream, self._output = stream, Unblocked()

    async def send(self, to: str, message: Message, now: datetime, key: UUID | None = None) -> None:  # noqa: ARG002
        """Print the message's line, or raise MailError: waiting for a reader would stop all sign-ins."""
        stream = self._stream or sys.stdout
        text = _boxed(message.console, stream) if message.code and stream.isatty() else f"{message.console}\n"
        fd = fd_of(stream)
        if fd is None:
            stream.write(text)
            return
        try:
            is_written = self._output.write(fd, text.encode(stream.encoding, errors="backslashreplace"))
        except OSError as fault:
            raise MailError(type(fault).__name__) from None
        if not is_written:
            raise MailError("nobody reads the console")


def _boxed(line: str, stream: TextIO) -> str:
    from rich.console import Console  # noqa: PLC0415  only terminals need it
    from rich.padding import Padding  # noqa: PLC0415
    from rich.panel import Panel  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    box = Panel.fit(Text(line, style="bold"), border_style="yellow", style="yellow", padding=(0, 2))
    console = Console(file=stream)
    with console.capture() as capture:
        console.print(Padding(box, (1, 2)))
    return capture.get()


class SmtpMailer:
    """Sends by SMTP with STARTTLS or TLS; certificates are verified."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.security = settings.smtp_security or ("tls" if settings.smtp_port == _IMPLICIT_TLS_PORT else "starttls")
        self._tls = ssl.create_default_context(cafile=settings.smtp_ca_file)

    async def send(self, to: str, message: Message, now: datetime, key: UUID | None = None) -> None:
        """Deliver the message, or raise MailError."""
        email = render(to, message, now, key, settings=self._settings)
        await self._connect_and(lambda client: client.send_message(email))

    async def check(self, recipient: str | None = None) -> None:
        """Begin an email from our sender, and to *recipient* if given, but send nothing; raise MailError on failure."""

        async def begin(client: aiosmtplib.SMTP) -> None:
            await client.mail(sender_of(self._settings))
            if recipient is not None:
                await client.rcpt(recipient)
            await client.rset()

        await self._connect_and(begin)

    async def _connect_and(self, act: Callable[[aiosmtplib.SMTP], Awaitable[object]]) -> None:
        own = self._settings
        client = aiosmtplib.SMTP(
            hostname=own.smtp_host,
            port=own.smtp_port,
            username=own.smtp_user or None,
            password=own.smtp_password.get_secret_value() or None,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            tls_context=self._tls if self.security != "none" else None,
            timeout=SMTP_TIMEOUT_SECONDS,
            # Otherwise the library looks up this machine's name in DNS, which can take seconds per message.
            local_hostname="localhost" if own.is_local else urlsplit(own.public_url).hostname,
        )
        try:
            async with asyncio.timeout(WHOLE_TRY_SECONDS):
                await client.connect()
                await act(client)
            # The message is accepted by now, even if QUIT fails.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
        except (aiosmtplib.SMTPException, OSError) as fault:
            code = getattr(fault, "code", "")
            raise MailError(f"{type(fault).__name__} {code}".strip(), _response_in(fault)) from None
        finally:
            # If delivery is canceled, don't wait for a slow server's response to QUIT.
            client.close()


def _response_in(fault: Exception) -> str:
    """Return the server's response, or the system's error message if there was none."""
    error = fault.recipients[0] if isinstance(fault, aiosmtplib.SMTPRecipientsRefused) else fault
    code, message = getattr(error, "code", ""), getattr(error, "message", "")
    return f"{code} {message or error}".strip()


def mailer_for(settings: Settings) -> Mailer:
    """Return the mailer for these settings."""
    return SmtpMailer(settings) if settings.smtp_host else ConsoleMailer()


def sender_of(settings: Settings) -> str:
    """Return the address that email is sent from, without a name."""
    return parseaddr(settings.smtp_from or settings.smtp_user)[1]


def _from(settings: Settings) -> str:
    """Return the sender with a name: the one in SMTP_FROM, or the app's."""
    name, address = parseaddr(settings.smtp_from or settings.smtp_user)
    return formataddr((name or settings.app_name, address))


def render(to: str, message: Message, now: datetime, key: UUID | None = None, *, settings: Settings) -> EmailMessage:
    """Return the message as an email with a text part and an HTML part."""
    email = EmailMessage()
    email["Subject"] = message.subject
    email["From"] = _from(settings)
    email["To"] = to
    email["Date"] = format_datetime(now)
    email["Message-ID"] = f"<{key or uuid4()}@{sender_of(settings).rpartition('@')[2] or 'localhost'}>"
    email["Auto-Submitted"] = "auto-generated"
    values = {"message": message, "app_name": settings.app_name, "public_url": settings.public_url}
    email.set_content(_templates.get_template("message.txt").render(values))
    email.add_alternative(_templates.get_template("message.html").render(values), subtype="html")
    return email
