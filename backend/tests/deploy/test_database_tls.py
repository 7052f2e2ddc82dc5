"""TLS to the database, as the service's pool and as SQLAlchemy's engine, which commands and migrations use, open it."""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import trustme
from sqlalchemy import func, select

from focys.cli.doctor.checks_stored import check_encryption
from focys.cli.doctor.report import State
from focys.infra.db.database import Database
from tests.cluster import OwnCluster, running_postgres
from tests.conftest import settings_for
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
