"""The whole deployment at once, each part a process of its own; for programs that are not Python, also as a program.

    python -m tests.deploy.stack

Prints one JSON object per line: first where everything is, then each email as it arrives at the mail server.
Reads one order per line: ``person ADDRESS`` makes an account, ``restart`` ends gunicorn and starts it again.
All of it is gone when its standard input ends.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from focys.infra.db.schema import migrate
from tests.cluster import running_postgres
from tests.conftest import SECRET_KEY, pytest_configure, settings_for
from tests.deploy.front import Front, running_nginx
from tests.deploy.shipped import DOMAIN, unit_command, unit_environment
from tests.support.processes import PROGRAMS, Server, copy_backend, environment, free_port, run, serving
from tests.support.service import PASSWORD
from tests.support.smtp import PASSWORD as MAIL_PASSWORD
from tests.support.smtp import USER as MAIL_USER
from tests.support.smtp import MailServer, mail_server, parts_of
from tests.support.valkey import ValkeyServer, running_valkey

PUBLIC_URL = f"https://{DOMAIN}"


@dataclass(frozen=True)
class Stack:
    """A running deployment."""

    database_url: str
    gunicorn: Server
    valkey: ValkeyServer
    front: Front
    backend: Path
    environment: dict[str, str]

    def focys(self, *arguments: str, typed: str = "") -> str:
        """Run the command line as an operator on the server would, and return what it prints."""
        done = run([str(PROGRAMS / "focys"), *arguments], folder=self.backend, env=self.environment, typed=typed)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextlib.contextmanager
def running_stack(folder: Path, database_url: str, **settings: str) -> Iterator[Stack]:
    """Have gunicorn by the unit's own command, Valkey, and nginx with the shipped site, on a migrated database."""
    backend, port = copy_backend(folder), free_port()
    nginx_folder = folder / "nginx"
    nginx_folder.mkdir()
    with running_valkey(folder) as valkey:
        env = environment(
            backend,
            **unit_environment(folder),
            DATABASE_URL=database_url,
            SECRET_KEY=SECRET_KEY,
            PUBLIC_URL=PUBLIC_URL,
            RATE_LIMIT_STORAGE=valkey.url,
            **settings,
        )
        gunicorn = Server(
            unit_command(folder, port=port), port=port, folder=backend, env=env, log=folder / "gunicorn.output"
        )
        with serving(gunicorn), running_nginx(nginx_folder, backend_port=port) as front:
            yield Stack(database_url, gunicorn, valkey, front, backend, env)


def main() -> None:
    """Run it until standard input ends."""
    pytest_configure()
    with tempfile.TemporaryDirectory() as folder, running_postgres() as cluster:
        url = cluster.create_database("deployed")
        migrate(settings_for(url).database)
        try:
            asyncio.run(_serve(Path(folder), url))
        finally:
            cluster.drop_database("deployed")


async def _serve(folder: Path, database_url: str) -> None:
    async with mail_server(folder) as mail:
        mail.on_arrival = _tell_email
        with running_stack(folder, database_url, **_smtp(mail)) as stack:
            _tell(
                url=PUBLIC_URL,
                host=DOMAIN,
                port=stack.front.tls_port,
                plainPort=stack.front.plain_port,
                key=key_of(stack.front),
            )
            while order := (await asyncio.to_thread(sys.stdin.readline)).split():
                await asyncio.to_thread(_obey, stack, order)


def _obey(stack: Stack, order: list[str]) -> None:
    match order:
        case ["person", address]:
            stack.focys("users", "create", address, "--password-stdin", typed=f"{PASSWORD}\n")
            _tell(person=address, password=PASSWORD)
        case ["restart"]:
            stack.gunicorn.stop()
            stack.gunicorn.start()
            stack.gunicorn.wait()
            _tell(restarted=True)


def key_of(front: Front) -> str:
    """Return the SHA-256 of the certificate's public key, as browsers are told which one to trust."""
    pem = (front.folder / "letsencrypt" / "live" / DOMAIN / "fullchain.pem").read_bytes()
    key = x509.load_pem_x509_certificate(pem).public_key()
    return base64.b64encode(
        hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    ).decode()


def _smtp(mail: MailServer) -> dict[str, str]:
    return {
        "SMTP_HOST": "localhost",
        "SMTP_PORT": str(mail.port),
        "SMTP_USER": MAIL_USER,
        "SMTP_PASSWORD": MAIL_PASSWORD,
        "SMTP_SECURITY": "starttls",
        "SMTP_CA_FILE": mail.ca_file,
    }


def _tell_email(message: EmailMessage, *, over_tls: bool) -> None:
    text, _ = parts_of(message)
    code = re.search(r"^\s*(\d{6})\s*$", text, flags=re.MULTILINE)
    _tell(to=message["To"], subject=message["Subject"], code=code and code[1], overTls=over_tls)


def _tell(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201  its response


if __name__ == "__main__":
    main()
