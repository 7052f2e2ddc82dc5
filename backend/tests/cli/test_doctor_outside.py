"""What the doctor asks of others: the certificate, and the service behind its public address."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from focys.cli.doctor import checks_network, checks_service
from focys.cli.doctor.report import Finding, State
from focys.infra.ops.clock import SystemClock
from tests.cli.conftest import Focys
from tests.conftest import SECRET_KEY, settings_for
from tests.support.processes import Server, environment, free_port, serving

OK, WARN, FAIL = State.OK, State.WARN, State.FAIL


@pytest.mark.parametrize(
    ("script", "state", "told"),
    [
        ("echo yes", OK, "is synchronized"),
        ("echo no", WARN, "is not synchronized"),
        ("exit 1", OK, "unknown whether"),
        (None, OK, "unknown whether"),
    ],
)
async def test_time_reports_whether_this_machine_is_synchronized(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str | None, state: State, told: str
):
    """CFG-09: timedatectl knows, where there is one."""
    if script is not None:
        (tmp_path / "timedatectl").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "timedatectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    finding = await checks_service.check_time()

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


@pytest.mark.parametrize(
    ("changed", "state", "told", "fix"),
    [
        ({"days": 60.5}, OK, "valid for 60 more days", ""),
        ({"days": 19.5}, WARN, "valid for 19 more days", "certbot renew"),
        ({"days": -1}, FAIL, "certificate has expired", "certbot renew"),
        ({"name": "elsewhere.example.com"}, FAIL, "not valid for 'localhost'", "-d localhost"),
        ({"known": False}, FAIL, "unable to get local issuer certificate", "set ssl_certificate"),
    ],
)
async def test_a_certificate_is_checked_as_browsers_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: dict[str, object], state: State, told: str, fix: str
):
    finding = await certificate_of(monkeypatch, tmp_path, **changed)  # type: ignore[arg-type]

    assert finding.state is state
    assert told in finding.detail
    assert fix in finding.fix
    assert bool(finding.fix) is bool(fix)


async def test_an_unreachable_public_address_is_a_failure():
    settings = settings_for("sqlite:////tmp/x.db", public_url=f"https://localhost:{free_port()}")

    finding = await checks_network.check_certificate(settings, SystemClock().now())

    assert finding.state is FAIL
    assert "cannot be reached" in finding.detail


def test_a_public_address_that_this_machine_cannot_reach_through_its_router_is_a_warning():
    finding = checks_network.unreachable("certificate", TimeoutError())

    assert finding.state is WARN
    assert "from another machine" in finding.fix


async def test_a_public_address_without_tls_is_a_failure():

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
    ("trusted", "exit_code", "told"),
    [("", 0, "is ignored"), ("127.0.0.1", 1, "a client can choose its own address")],
)
def test_the_probe_finds_a_service_that_trusts_forged_addresses(
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
    assert gone.exit_code == 1
    assert "forwarding        the public address cannot be reached" in gone.stdout


def test_a_public_address_of_another_service_is_reported(
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
