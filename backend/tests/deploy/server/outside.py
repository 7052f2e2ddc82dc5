"""What a server finds outside of itself, within its own network: names, a repository, an authority, a mail server.

As a program (`outside.py FOLDER`) it is the mail server, which writes each email to a file of the folder.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import trustme

from tests.deploy.server.machine import Machine
from tests.deploy.shipped import DOMAIN, ROOT
from tests.support.processes import BACKEND
from tests.support.smtp import MailServer, mail_server

MAIL_HOST, MAIL_PORT, MAIL_USER, MAIL_PASSWORD = (
    "smtp.example.com",
    587,
    "login@example.com",
    "the-password-of-the-mail-server",
)
REFUSED = "refused@example.com"
"""A recipient that the mail server does not take."""
ACME_HOST, ACME_PORT, ROOTS_PORT = "acme.example.com", 14000, 15000
REPOSITORY = "https://git.example.com/focys.git"
START_SECONDS = 60
PEBBLE = "/opt/pebble/usr/bin/pebble"
PEBBLE_SETTINGS = {
    "listenAddress": f"127.0.0.1:{ACME_PORT}",
    "managementListenAddress": f"127.0.0.1:{ROOTS_PORT}",
    "certificate": "/opt/pebble/certificate.pem",
    "privateKey": "/opt/pebble/key.pem",
    "httpPort": 80,
    "tlsPort": 443,
}
ASK_FOR_ROOT = """
import ssl, sys, urllib.request
trusted = ssl.create_default_context(cafile=sys.argv[1])
print(urllib.request.urlopen(sys.argv[2], context=trusted, timeout=5).read().decode())
"""


@contextlib.contextmanager
def outside_of(machine: Machine, folder: Path) -> Iterator[None]:
    """Surround a server by what it needs; emails go to *folder*/emails, whom to trust stands in *folder*/roots.pem."""
    (folder / "emails").mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.private_key_pem.write_to_path(folder / "ca.key")
    _put(machine, "etc/hosts", f"127.0.0.1 localhost server {DOMAIN} {MAIL_HOST} {ACME_HOST}\n::1 localhost\n")
    _put(machine, "usr/local/share/ca-certificates/mail-and-acme.crt", (folder / "ca.pem").read_text())
    # Otherwise it would be the authority that certbot asks by itself.
    _put(machine, "root/.config/letsencrypt/cli.ini", f"server = https://{ACME_HOST}:{ACME_PORT}/dir\n")
    _put_repository(machine, folder)
    mail = [sys.executable, "-m", "tests.deploy.server.outside", str(folder)]
    with (
        _serving(machine.enter(*mail, filesystem=False), folder / "mail.log"),
        _serving(_pebble(machine, authority), folder / "pebble.log"),
    ):
        root = _root_of_pebble(machine, folder)
        _put(machine, "usr/local/share/ca-certificates/certificates.crt", root)
        (folder / "roots.pem").write_text(root)
        yield


def _put(machine: Machine, name: str, text: str) -> None:
    file = machine.root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _put_repository(machine: Machine, folder: Path) -> None:
    """The working tree as it is here, committed or not, at the address of the document."""
    bare = folder / "focys.git"
    _git("clone", "--quiet", "--bare", str(ROOT), str(bare))
    own = {"GIT_DIR": str(bare), "GIT_WORK_TREE": str(ROOT), "GIT_INDEX_FILE": str(bare / "index.of-the-test")}
    who = {f"GIT_{role}_{part}": "test@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    _git("read-tree", "HEAD", **own)
    _git("add", "--all", ".", **own)
    commit = _git("commit-tree", _git("write-tree", **own), "-p", "HEAD", "-m", "as it is here", **own, **who)
    _git("update-ref", "HEAD", commit, **own)
    shutil.copytree(bare, machine.root / "srv" / "git" / bare.name)
    _put(machine, "etc/gitconfig", f'[url "file:///srv/git/focys.git"]\n\tinsteadOf = {REPOSITORY}\n')


def _git(*arguments: str, **settings: str) -> str:
    command = ["git", "-c", "safe.directory=*", *arguments]
    ran = subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def _pebble(machine: Machine, authority: trustme.CA) -> list[str]:
    issued = authority.issue_cert(ACME_HOST, "127.0.0.1")
    _put(machine, "opt/pebble/certificate.pem", issued.cert_chain_pems[0].bytes().decode())
    _put(machine, "opt/pebble/key.pem", issued.private_key_pem.bytes().decode())
    _put(machine, "opt/pebble/settings.json", json.dumps({"pebble": PEBBLE_SETTINGS}))
    return machine.enter(
        "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", PEBBLE, "-config", "/opt/pebble/settings.json"
    )


def _root_of_pebble(machine: Machine, folder: Path) -> str:
    address = f"https://127.0.0.1:{ROOTS_PORT}/roots/0"
    command = [sys.executable, "-c", ASK_FOR_ROOT, str(folder / "ca.pem"), address]
    deadline = time.monotonic() + START_SECONDS
    while True:
        asked = subprocess.run(machine.enter(*command, filesystem=False), capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            return asked.stdout
        assert time.monotonic() < deadline, (folder / "pebble.log").read_text() + asked.stderr
        time.sleep(0.1)


@contextlib.contextmanager
def _serving(command: list[str], log: Path) -> Iterator[None]:
    with (
        log.open("wb") as words,
        subprocess.Popen(
            command, cwd=BACKEND, stdin=subprocess.PIPE, stdout=words, stderr=words, start_new_session=True
        ) as process,
    ):
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


async def _keep_emails(folder: Path) -> None:
    authority = trustme.CA.from_pem((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())
    refused = {REFUSED, f"not-{MAIL_USER}"}
    kept = MailServer(port=MAIL_PORT, user=MAIL_USER, password=MAIL_PASSWORD, refused=refused)

    def keep(email: EmailMessage, **_: object) -> None:
        (folder / "emails" / f"{len(kept.messages):03}").write_bytes(email.as_bytes())

    kept.on_arrival = keep
    async with mail_server(folder / "emails" / "..", kept=kept, authority=authority):
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_keep_emails(Path(sys.argv[1])))
