"""certbot, as the guide calls it, against an ACME server of our own: the first certificate, and its renewal by the site."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.deploy.front import nginx_command, put_site, started_nginx
from tests.deploy.shipped import DOMAIN
from tests.support.processes import free_port

PACKAGES = ("certbot", "python3-certbot-nginx", "pebble")
FOLDERS = {"config": "letsencrypt", "work": "certbot-work", "logs": "certbot-logs"}
START_SECONDS = 60
CERTBOT_SECONDS = 120

# What Debian's nginx comes with.
DEFAULT_SITE = """
server {{
    listen 127.0.0.1:{port} default_server;
    root {folder};
    server_name _;
    location / {{
        try_files $uri $uri/ =404;
    }}
}}
"""


@dataclass(frozen=True)
class Authority:
    """pebble: whose directory certbot asks, and who vouches for the certificates."""

    directory: str
    ca_bundle: Path
    management: int

    def root(self) -> str:
        """The certificate that those it issues are checked against, in PEM."""
        trusted = ssl.create_default_context(cafile=str(self.ca_bundle))
        connection = http.client.HTTPSConnection("127.0.0.1", self.management, context=trusted, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", "/roots/0")
            return connection.getresponse().read().decode()


@pytest.fixture(scope="module")
def programs() -> dict[str, str]:
    """The programs of the three packages, the only ones a test may do without."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    names = ("certbot", "pebble", "pebble-challtestsrv")
    found = {name: shutil.which(name, path=path) for name in names}
    missing = [name for name, place in found.items() if place is None]
    if not missing and "nginx" not in _plugins(str(found["certbot"])):
        missing = ["certbot's plugin nginx"]
    if missing:
        pytest.skip(f"certbot was NOT tried: {', '.join(missing)} not found; install {', '.join(PACKAGES)}.")
    return {name: place for name, place in found.items() if place is not None}


def _plugins(certbot: str) -> str:
    return subprocess.run([certbot, "--help", "plugins"], capture_output=True, text=True, check=False).stdout


@pytest.fixture
def plain_port() -> int:
    """What port 80 is for certbot, pebble and nginx."""
    return free_port()


@pytest.fixture
def authority(programs: dict[str, str], plain_port: int, tmp_path: Path) -> Iterator[Authority]:
    """An ACME server that finds every name on this machine."""
    directory, management, names, orders = (free_port() for _ in range(4))
    own = trustme.CA()
    issued = own.issue_cert("127.0.0.1")
    bundle = tmp_path / "pebble-ca.pem"
    own.cert_pem.write_to_path(bundle)
    issued.cert_chain_pems[0].write_to_path(tmp_path / "pebble.pem")
    issued.private_key_pem.write_to_path(tmp_path / "pebble.key")
    settings = {
        "listenAddress": f"127.0.0.1:{directory}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(tmp_path / "pebble.pem"),
        "privateKey": str(tmp_path / "pebble.key"),
        "httpPort": plain_port,
        "tlsPort": free_port(),
    }
    (tmp_path / "pebble.json").write_text(json.dumps({"pebble": settings}))
    nowhere = ("-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1")
    resolver = ("-dns01", f"127.0.0.1:{names}", "-management", f"127.0.0.1:{orders}", *nowhere)
    pebble = ("-config", str(tmp_path / "pebble.json"), "-dnsserver", f"127.0.0.1:{names}")
    with (
        _running(programs["pebble-challtestsrv"], *resolver, port=orders),
        _running(programs["pebble"], *pebble, port=directory),
    ):
        yield Authority(f"https://127.0.0.1:{directory}/dir", bundle, management)


@contextlib.contextmanager
def _running(*command: str, port: int) -> Iterator[None]:
    # It is asked again each time, and is neither slow nor rude on purpose.
    env = {**os.environ, "PEBBLE_AUTHZREUSE": "0", "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=env, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        try:
            _until_listening(port, process)
            yield
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)


def _until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, "it does not listen"
        time.sleep(0.02)


def test_certbot_issues_and_renews_a_certificate_with_the_shipped_site(
    programs: dict[str, str], authority: Authority, plain_port: int, tmp_path: Path
):
    """CFG-01: as the guide has it, but for paths and ports; the site is the same afterwards as before."""
    folder, tls_port = tmp_path / "nginx", free_port()
    folder.mkdir()
    site = folder / "focys"
    site.write_text(DEFAULT_SITE.format(port=plain_port, folder=folder))
    control = tmp_path / "nginx-ctl"
    control.write_text(f'#!/bin/sh\nexec {nginx_command(folder)[0]} -e {folder}/error.log "$@"\n')
    control.chmod(0o755)
    reload = f"touch {tmp_path}/reloaded; {control} -c {folder}/nginx.conf -s reload"
    places = [f"--{kind}-dir={folder / name}" for kind, name in FOLDERS.items()]
    elsewhere = [f"--nginx-server-root={folder}", f"--nginx-ctl={control}", f"--http-01-port={plain_port}"]
    nobody_asks = ["--server", authority.directory, "--agree-tos", "--register-unsafely-without-email", "-n"]

    def certbot(*arguments: str) -> None:
        done = subprocess.run(
            [programs["certbot"], *arguments, *places],
            env={**os.environ, "REQUESTS_CA_BUNDLE": str(authority.ca_bundle)},
            capture_output=True,
            text=True,
            timeout=CERTBOT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    with started_nginx(folder, port=plain_port):
        # The guide's command.
        certbot("certonly", "--nginx", "-d", DOMAIN, "--deploy-hook", reload, *elsewhere, *nobody_asks)
    put_site(folder, plain_port=plain_port, tls_port=tls_port, backend_port=free_port())
    (tmp_path / "reloaded").unlink()
    (folder / "access.log").unlink()
    shipped = site.read_text()

    with started_nginx(folder, port=tls_port):
        trust = ssl.create_default_context(cadata=authority.root())
        first = _served(tls_port, trust)
        # What Debian's timer runs, a little before the certificate ends.
        certbot("renew", "--force-renewal", "--no-random-sleep-on-renew")
        second = _until_other_than(first, tls_port, trust)

    assert '"GET /.well-known/acme-challenge/' in (folder / "access.log").read_text()
    assert (tmp_path / "reloaded").exists()
    assert first["subjectAltName"] == second["subjectAltName"] == (("DNS", DOMAIN),)
    assert site.read_text() == shipped


def _served(port: int, trust: ssl.SSLContext) -> dict[str, Any]:
    """The certificate nginx shows now; anyone who issued it is trusted, and nobody else."""
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        trust.wrap_socket(plain, server_hostname=DOMAIN) as connection,
    ):
        return dict(connection.getpeercert() or {})


def _until_other_than(first: dict[str, Any], port: int, trust: ssl.SSLContext) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while (found := _served(port, trust))["serialNumber"] == first["serialNumber"]:
        assert time.monotonic() < deadline, "nginx goes on with the old certificate"
        time.sleep(0.05)
    return found
