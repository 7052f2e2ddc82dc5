"""The service as it is deployed, but for nginx: the unit's gunicorn, a PostgreSQL that may be harmed, Valkey, and mail."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trustme

from focys.infra.db.schema import migrate
from tests.cluster import OwnCluster, running_postgres
from tests.conftest import SECRET_KEY, settings_for
from tests.deploy.shipped import unit_command, unit_environment
from tests.support.processes import Server, copy_backend, environment, free_port, serving
from tests.support.roles import psql_command
from tests.support.smtp import PASSWORD as MAIL_PASSWORD
from tests.support.smtp import USER as MAIL_USER
from tests.support.valkey import ValkeyServer, running_valkey

WORKERS = 4
# The first refresh of every session replaces its token, so that no test has to wait for a minute.
A_MINUTE_OLD = (
    """
    CREATE FUNCTION a_minute_old() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN NEW.rotated_at := NEW.rotated_at - INTERVAL '61 s'; RETURN NEW; END $$
    """,
    "CREATE TRIGGER a_minute_old BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION a_minute_old()",
)


@dataclass(frozen=True)
class Deployed:
    """Its parts. At ``mail_port`` nobody listens unless a test does, with a certificate of ``authority``."""

    server: Server
    cluster: OwnCluster
    valkey: ValkeyServer
    database_url: str
    mail_port: int
    authority: trustme.CA


@contextlib.contextmanager
def running_deployment(folder: Path) -> Iterator[Deployed]:
    """Have it run for as long as the block lasts."""
    with running_postgres(own=True) as cluster:
        assert isinstance(cluster, OwnCluster)
        url = cluster.create_database("faults")
        with deployed_on(cluster, url, folder) as deployed:
            yield deployed


@contextlib.contextmanager
def deployed_on(cluster: OwnCluster, url: str, folder: Path) -> Iterator[Deployed]:
    """Have the service run on an empty database at *url*."""
    authority, mail_port, port = trustme.CA(), free_port(), free_port()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    backend = copy_backend(folder)
    migrate(settings_for(url).database)
    psql_command(url, *A_MINUTE_OLD)
    with running_valkey(folder) as valkey:
        env = environment(
            backend,
            **unit_environment(folder),
            DATABASE_URL=url,
            SECRET_KEY=SECRET_KEY,
            PUBLIC_URL="http://127.0.0.1:8000",
            RATE_LIMIT_STORAGE=valkey.url,
            SMTP_HOST="localhost",
            SMTP_PORT=str(mail_port),
            SMTP_USER=MAIL_USER,
            SMTP_PASSWORD=MAIL_PASSWORD,
            SMTP_CA_FILE=str(ca_file),
        )
        server = Server(
            unit_command(folder, port=port), port=port, folder=backend, env=env, log=folder / "gunicorn.output"
        )
        with serving(server):
            yield Deployed(server, cluster, valkey, url, mail_port, authority)
