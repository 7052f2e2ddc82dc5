"""The whole deployment on this machine: PostgreSQL, gunicorn by the unit's own command, nginx with the shipped file."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from focys.app import build_services
from tests.cluster import Cluster
from tests.conftest import SECRET_KEY, settings_for
from tests.deploy.front import Front, running_nginx
from tests.deploy.shipped import DOMAIN, unit_command, unit_environment
from tests.support.processes import Server, copy_backend, environment, free_port, serving
from tests.support.workers import Workers

FULL_HASHING = {"password_hash_memory_kib": 19 * 1024, "password_hash_passes": 2}


@pytest.fixture(scope="session")
def deployed_database(cluster: Cluster, postgres_template: str) -> Iterator[str]:
    name = "deployed"
    yield cluster.create_database(name, template=postgres_template)
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def gunicorn(deployed_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The backend as the unit starts it."""
    folder = tmp_path_factory.mktemp("gunicorn")
    backend = copy_backend(folder)
    port = free_port()
    settings = {
        **unit_environment(folder),
        "DATABASE_URL": deployed_database,
        "SECRET_KEY": SECRET_KEY,
        "PUBLIC_URL": f"https://{DOMAIN}",
    }
    command = unit_command(folder, port=port)
    server = Server(command, port=port, folder=backend, env=environment(backend, **settings), log=folder / "output")
    with serving(server):
        yield server


@pytest.fixture(scope="session")
def front(gunicorn: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The shipped site in front of it."""
    with running_nginx(tmp_path_factory.mktemp("nginx"), backend_port=gunicorn.port) as running:
        yield running


@pytest.fixture(scope="session")
def lone_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The shipped site with no backend behind it, in which X-Test-Address says where a request comes from."""
    from_header = "set_real_ip_from 127.0.0.1; real_ip_header X-Test-Address;"
    folder = tmp_path_factory.mktemp("lone-nginx")
    with running_nginx(folder, backend_port=free_port(), more=from_header) as running:
        yield running


@pytest.fixture
def client(front: Front) -> Iterator[httpx.Client]:
    with front.client() as opened:
        yield opened


@pytest.fixture
async def workers(gunicorn: Server, deployed_database: str) -> AsyncIterator[Workers]:
    """What a test needs to make accounts and to read the mailed code."""
    running = Workers([gunicorn], build_services(settings_for(deployed_database, **FULL_HASHING)))
    yield running
    await running.close()
