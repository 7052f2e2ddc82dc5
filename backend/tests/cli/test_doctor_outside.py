"""What the doctor asks of others: a time server, the certificate, and the service behind its public address."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from time import time

import pytest
import trustme

from focys.cli.doctor import checks_network
from focys.cli.doctor.report import Finding, State
from focys.infra.ops.clock import SystemClock
from tests.cli.conftest import Focys
from tests.conftest import SECRET_KEY, settings_for
from tests.support.processes import Server, environment, free_port, serving

OK, WARN, FAIL = State.OK, State.WARN, State.FAIL
SINCE_1900 = 2_208_988_800


@contextmanager
def time_server(change: Callable[[bytes], bytes] = lambda answer: answer, *, ahead: float = 0) -> Iterator[str]:
    """A time server on loopback that is so many seconds ahead of us."""

    def stamp() -> bytes:
        return int((time() + ahead + SINCE_1900) * 2**32).to_bytes(8, "big")

    def serve() -> None:
        while True:
            asked, caller = server.recvfrom(512)
            if not asked:
                return
            answer = struct.pack("!BB22x8s8s8s", 0x24, 2, asked[40:48], stamp(), stamp())
            server.sendto(change(answer), caller)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
                ending.sendto(b"", ("127.0.0.1", port))
            thread.join()


@pytest.mark.parametrize(
    ("ahead", "state", "told"),
    [(0, OK, "within 1 s"), (-5, WARN, "5 s ahead of"), (5, WARN, "5 s behind"), (60, FAIL, "60 s behind")],
)
async def test_the_clock_is_compared_with_a_time_server(ahead: float, state: State, told: str):
    """CFG-09."""
    with time_server(ahead=ahead) as server:
        finding = await checks_network.check_time(server)

    assert finding.state is state
    assert told in finding.detail


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"x",
        lambda answer: b"\x23" + answer[1:],
        lambda answer: answer[:1] + b"\0" + answer[2:],
        lambda answer: answer[:24] + bytes(8) + answer[32:],
    ],
    ids=["short", "a question", "not synchronized itself", "somebody else's"],
)
async def test_an_answer_that_proves_nothing_is_no_failure(change: Callable[[bytes], bytes]):
    with time_server(change) as server:
        finding = await checks_network.check_time(server)

    assert finding.state is WARN
    assert "no valid response" in finding.detail


@pytest.mark.parametrize("server", ["127.0.0.1:{closed}", "127.0.0.1:port", "no.such.host.invalid"])
async def test_a_time_server_that_is_not_there_is_no_failure(monkeypatch: pytest.MonkeyPatch, server: str):
    if "invalid" in server:
        monkeypatch.setattr(socket, "getaddrinfo", unknown_host)

    finding = await checks_network.check_time(server.format(closed=free_port()))

    assert finding.state is WARN


def unknown_host(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("script", "state", "told"),
    [
        ("echo yes", OK, "is synchronized"),
        ("echo no", WARN, "is not synchronized"),
        ("exit 1", OK, "unknown whether"),
        (None, OK, "unknown whether"),
    ],
)
async def test_this_machine_is_asked_whether_it_is_synchronized(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str | None, state: State, told: str
):
    """CFG-09."""
    if script is not None:
        (tmp_path / "timedatectl").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "timedatectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    finding = await checks_network.check_time(None)

    assert finding.state is state
    assert told in finding.detail


@asynccontextmanager
async def tls_server(certificate: trustme.LeafCert) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def certificate_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, name: str = "localhost", days: float = 90, known: bool = True
) -> Finding:
    authority = trustme.CA()
    (tmp_path / "ca.pem").write_bytes((authority if known else trustme.CA()).cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    now = SystemClock().now()
    issued = authority.issue_cert(name, not_before=now - timedelta(days=200), not_after=now + timedelta(days=days))
    async with tls_server(issued) as port:
        settings = settings_for("sqlite:////tmp/x.db", public_url=f"https://localhost:{port}")
        return await checks_network.check_certificate(settings, now)


async def test_a_good_certificate_and_its_days_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """CFG-01."""
    finding = await certificate_of(monkeypatch, tmp_path, days=60.5)

    assert (finding.state, finding.detail) == (OK, "valid for 60 more days")


@pytest.mark.parametrize(
    ("changed", "state", "told"),
    [
        ({"days": 19.5}, WARN, "valid for 19 more days"),
        ({"days": -1}, FAIL, "certificate has expired"),
        ({"name": "elsewhere.example.com"}, FAIL, "not valid for 'localhost'"),
        ({"known": False}, FAIL, "unable to get local issuer certificate"),
    ],
)
async def test_a_certificate_that_browsers_refuse_or_soon_will_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: dict[str, object], state: State, told: str
):
    """CFG-01."""
    finding = await certificate_of(monkeypatch, tmp_path, **changed)  # type: ignore[arg-type]

    assert finding.state is state
    assert told in finding.detail
    assert "certbot renew" in finding.fix


async def test_a_public_address_that_is_not_there_is_no_failure():
    settings = settings_for("sqlite:////tmp/x.db", public_url=f"https://localhost:{free_port()}")

    finding = await checks_network.check_certificate(settings, SystemClock().now())

    assert finding.state is WARN
    assert "cannot be reached" in finding.detail


async def test_a_public_address_without_tls_is_a_failure():
    """CFG-01."""

    async def talk_plainly(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk_plainly, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        settings = settings_for("sqlite:////tmp/x.db", public_url=f"https://localhost:{port}")
        finding = await checks_network.check_certificate(settings, SystemClock().now())

    assert finding.state is FAIL


@pytest.mark.parametrize(
    ("status", "source", "state"),
    [
        (401, "203.0.113.9", OK),
        (401, "127.0.0.1", OK),
        (401, checks_network.CLAIMED, FAIL),
        (401, None, WARN),
        (502, None, WARN),
    ],
)
def test_only_a_claim_that_was_believed_is_a_failure(status: int, source: str | None, state: State):
    """CFG-03, LOCK-10."""
    assert checks_network.forwarding_finding(status, source).state is state


@pytest.mark.parametrize(
    ("trusted", "exit_code", "told"),
    [("", 0, "is ignored"), ("127.0.0.1", 1, "a client can choose its own address")],
)
def test_the_probe_sees_whose_address_the_running_service_counts(
    command: Focys,
    monkeypatch: pytest.MonkeyPatch,
    sqlite_url: str,
    with_pages: Path,
    trusted: str,
    exit_code: int,
    told: str,
):
    """CFG-03, LOCK-10: here nobody overwrites what the client writes."""
    port = free_port()
    settings = {
        "DATABASE_URL": sqlite_url,
        "SECRET_KEY": SECRET_KEY,
        "PUBLIC_URL": f"http://localhost:{port}",
        "TRUSTED_PROXIES": trusted,
    }
    env = environment(with_pages, **settings)
    log = with_pages / "output"
    server = Server(f"focys serve --port {port}", port=port, folder=with_pages, env=env, log=log)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    with serving(server, path="/api/health/ready"):
        unasked = command("doctor", "--support")
        probed = command("doctor", "--support", "--probe")
    gone = command("doctor", "--support", "--probe")

    assert "forwarding" not in unasked.stdout
    assert probed.exit_code == exit_code, probed.output
    assert told in probed.stdout
    assert gone.exit_code == 0
    assert "forwarding        the public address cannot be reached" in gone.stdout


def test_a_public_address_that_leads_elsewhere_is_told(
    command: Focys, monkeypatch: pytest.MonkeyPatch, sqlite_url: str, with_pages: Path, tmp_path: Path
):
    port = free_port()
    env = environment(with_pages, DATA_DIR=str(tmp_path / "another"), PUBLIC_URL=f"http://localhost:{port}")
    server = Server(f"focys serve --port {port}", port=port, folder=with_pages, env=env, log=with_pages / "output")
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("PUBLIC_URL", f"http://localhost:{port}")

    with serving(server, path="/api/health/ready"):
        result = command("doctor", "--support", "--probe")

    assert result.exit_code == 0
    assert "the public address responds with 401, but the audit here has no record of it" in result.stdout
