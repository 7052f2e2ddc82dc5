"""Sends letters: by SMTP when a host is configured, else to the console, as the guide's first steps expect."""

import asyncio
import ssl
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol, TextIO
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aiosmtplib
from jinja2 import Environment, PackageLoader, StrictUndefined

from focys.settings import Settings

SMTP_TIMEOUT_SECONDS = 10
WHOLE_TRY_SECONDS = 40
"""A server that is slow at every command is given up before another worker may try the same letter."""

_IMPLICIT_TLS_PORT = 465

_templates = Environment(
    loader=PackageLoader("focys.infra.mail"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail: a subject, short paragraphs, and optionally a code to be shown large.

    ``console`` is the one line that stands for it where no mail is sent.
    """

    subject: str
    paragraphs: tuple[str, ...]
    console: str
    code: str | None = None


class MailError(Exception):
    """The letter was not accepted; the message says why and quotes nothing of the letter.

    ``answer`` is what the server itself said, which may name the recipient: for an operator's eyes, not for a log.
    """

    def __init__(self, cause: str, answer: str = "") -> None:
        super().__init__(cause)
        self.answer = answer


class Mailer(Protocol):
    """Delivers one letter to one address.

    A letter that may be tried again keeps its ``key``: it becomes the Message-ID, by which mail programs know two
    copies of one letter.
    """

    async def send(self, to: str, letter: Letter, now: datetime, key: UUID | None = None) -> None:
        """Deliver, or raise MailError."""
        ...


class ConsoleMailer:
    """Prints the one line that matters."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    async def send(self, to: str, letter: Letter, now: datetime, key: UUID | None = None) -> None:  # noqa: ARG002
        """Print the letter's line."""
        print(letter.console, file=self._stream or sys.stdout, flush=True)


class SmtpMailer:
    """Speaks SMTP with STARTTLS or TLS; certificates are checked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._security = settings.smtp_security or ("tls" if settings.smtp_port == _IMPLICIT_TLS_PORT else "starttls")
        self._tls = ssl.create_default_context(cafile=settings.smtp_ca_file)

    async def send(self, to: str, letter: Letter, now: datetime, key: UUID | None = None) -> None:
        """Deliver, or raise MailError."""
        await self._converse(render(to, letter, now, key, settings=self._settings))

    async def check(self) -> None:
        """Connect and sign in as for a letter, and send none; or raise MailError."""
        await self._converse(None)

    async def _converse(self, message: EmailMessage | None) -> None:
        own = self._settings
        client = aiosmtplib.SMTP(
            hostname=own.smtp_host,
            port=own.smtp_port,
            username=own.smtp_user or None,
            password=own.smtp_password.get_secret_value() or None,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            tls_context=self._tls if self._security != "none" else None,
            timeout=SMTP_TIMEOUT_SECONDS,
            # Else the library asks the name service for this machine's name, which may take seconds per letter.
            local_hostname="localhost" if own.is_local else urlsplit(own.public_url).hostname,
        )
        try:
            async with asyncio.timeout(WHOLE_TRY_SECONDS):
                await client.connect()
                if message is not None:
                    await client.send_message(message)
            # The letter has been accepted, whatever becomes of the QUIT.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
        except (aiosmtplib.SMTPException, OSError) as fault:
            code = getattr(fault, "code", "")
            raise MailError(f"{type(fault).__name__} {code}".strip(), _words_of(fault)) from None
        finally:
            # A cancelled delivery does not wait for the QUIT of a slow server.
            client.close()


def _words_of(fault: Exception) -> str:
    """Return what the server said, or the system where no server did."""
    told = fault.recipients[0] if isinstance(fault, aiosmtplib.SMTPRecipientsRefused) else fault
    code, message = getattr(told, "code", ""), getattr(told, "message", "")
    return f"{code} {message or told}".strip()


def mailer_for(settings: Settings) -> Mailer:
    """Return the mailer the settings ask for."""
    return SmtpMailer(settings) if settings.smtp_host else ConsoleMailer()


def sender_of(settings: Settings) -> str:
    """Return the address mail comes from."""
    return settings.smtp_from or settings.smtp_user


def render(to: str, letter: Letter, now: datetime, key: UUID | None = None, *, settings: Settings) -> EmailMessage:
    """Return the letter as a message with a text and an HTML part."""
    message = EmailMessage()
    message["Subject"] = letter.subject
    message["From"] = sender_of(settings)
    message["To"] = to
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{key or uuid4()}@{sender_of(settings).rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    values = {"letter": letter, "app_name": settings.app_name, "public_url": settings.public_url}
    message.set_content(_templates.get_template("letter.txt").render(values))
    message.add_alternative(_templates.get_template("letter.html").render(values), subtype="html")
    return message
