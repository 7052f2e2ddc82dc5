"""CFG-14: TLS to the database, for the service, ``focys`` and ``alembic``, however it is set."""

import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import trustme
from sqlalchemy import func, select

from focys.cli.doctor.checks_stored import check_encryption
from focys.cli.doctor.report import State
from focys.infra.db.database import Database
from tests.cluster import OwnCluster, running_postgres
from tests.conftest import SECRET_KEY, settings_for
from tests.support.processes import Server, copy_backend, environment, free_port, run, serving
from tests.support.roles import psql_command


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_with_tls(authority: trustme.CA) -> Iterator[OwnCluster]:
    """A PostgreSQL whose certificate names localhost."""
    # The one in the wheel is built without TLS.
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.fail("This test needs a PostgreSQL with TLS: install the package postgresql.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_POSTGRES_BIN", str(programs[-1]))
        with running_postgres(own=True) as cluster:
            assert isinstance(cluster, OwnCluster)
            serve_tls(cluster, authority)
            yield cluster


def serve_tls(cluster: OwnCluster, authority: trustme.CA) -> None:
    data, certificate = cluster.data, authority.issue_cert("localhost")
    owner = data.stat()
    for name, blob in (("server.crt", certificate.cert_chain_pems[0]), ("server.key", certificate.private_key_pem)):
        (data / name).write_bytes(blob.bytes())
        (data / name).chmod(0o600)
        os.chown(data / name, owner.st_uid, owner.st_gid)
    psql_command(cluster.url, "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()")


def at_localhost(url: str, query: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace("127.0.0.1", "localhost"), query=query))


async def test_a_certificate_can_be_verified(server_with_tls: OwnCluster, authority: trustme.CA, tmp_path: Path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    query = f"sslmode=verify-full&sslrootcert={tmp_path}/ca.pem"
    settings = settings_for(at_localhost(server_with_tls.url, query))
    database = Database(settings.database)

    finding = await check_encryption(database, settings)
    async with database.engine.connect() as connection:
        [by_engine] = (await connection.execute(select(func.version()))).one()

    assert finding.state is State.OK
    assert by_engine.startswith("PostgreSQL")
    await database.close()


@pytest.mark.parametrize("fault", ["another authority", "another name"])
async def test_a_certificate_that_does_not_fit_is_refused(
    server_with_tls: OwnCluster, authority: trustme.CA, tmp_path: Path, fault: str
):
    trusted = authority if fault == "another name" else trustme.CA()
    trusted.cert_pem.write_to_path(tmp_path / "ca.pem")
    query = f"sslmode=verify-full&sslrootcert={tmp_path}/ca.pem"
    url = server_with_tls.url if fault == "another name" else at_localhost(server_with_tls.url, "")
    database = Database(settings_for(urlunsplit(urlsplit(url)._replace(query=query))).database)

    with pytest.raises(ssl.SSLCertVerificationError):
        await database.now()
    with pytest.raises(ssl.SSLCertVerificationError):
        async with database.engine.connect():
            pass

    await database.close()


@dataclass(frozen=True)
class Machine:
    """A copy of the backend, whose settings say in one of three places how to verify the server."""

    backend: Path
    env: dict[str, str]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return run(command, folder=self.backend, env=self.env)

    def server(self, log: Path) -> Server:
        port = free_port()
        return Server(f"uvicorn main:app --port {port}", port=port, folder=self.backend, env=self.env, log=log)


def machine_of(folder: Path, url: str, place: str, authority: Path) -> Machine:
    backend, settings = copy_backend(folder), {"SECRET_KEY": SECRET_KEY}
    libpqs = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(authority)}
    query = f"sslmode=verify-full&sslrootcert={authority}" if place == "address" else ""
    settings["DATABASE_URL"] = at_localhost(url, query)
    if place == "environment":
        return Machine(backend, environment(backend, **settings, **libpqs))
    settings |= libpqs if place == ".env" else {}
    (backend / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return Machine(backend, environment(backend))


PLACES = ("address", "environment", ".env")


@pytest.mark.parametrize("place", PLACES)
def test_a_verified_server_is_used_by_every_program(
    server_with_tls: OwnCluster, authority: trustme.CA, tmp_path: Path, place: str
):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    machine = machine_of(tmp_path, server_with_tls.url, place, tmp_path / "ca.pem")

    migrated, listed = machine.run("alembic upgrade head"), machine.run("focys users list")
    with serving(machine.server(tmp_path / "output")):
        examined = machine.run("focys doctor --support")

    assert (migrated.returncode, migrated.stderr) == (0, "")
    assert listed.returncode == 0, listed.stderr
    assert "database tls      encrypted, and the server's certificate is verified" in examined.stdout


@pytest.mark.parametrize("place", PLACES)
def test_another_server_is_used_by_no_program(server_with_tls: OwnCluster, tmp_path: Path, place: str):
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    machine = machine_of(tmp_path, server_with_tls.url, place, tmp_path / "ca.pem")
    server = machine.server(tmp_path / "output")

    refused = [machine.run(command) for command in ("alembic upgrade head", "focys users list", "focys doctor")]
    with serving(server, path="/health/live"):
        ready = httpx.get(f"{server.url}/health/ready")

    assert [one.returncode for one in refused] == [1, 1, 1]
    assert all("SSLCertVerificationError" in one.stdout + one.stderr for one in refused)
    assert "SSLCertVerificationError" in server.output()
    assert ready.status_code == 503
