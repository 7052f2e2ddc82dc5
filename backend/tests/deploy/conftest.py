"""The whole deployment on this machine: PostgreSQL, Valkey, gunicorn by the unit's own command, the shipped site."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from focys.app import build_services
from tests.cluster import Cluster
from tests.conftest import settings_for
from tests.deploy.front import Front, running_nginx
from tests.deploy.stack import Stack, running_stack
from tests.support.processes import Server, free_port
from tests.support.workers import Workers

FULL_HASHING = {"password_hash_memory_kib": 19 * 1024, "password_hash_passes": 2}


@pytest.fixture(scope="session")
def deployed_database(cluster: Cluster, postgres_template: str) -> Iterator[str]:
    name = "deployed"
    yield cluster.create_database(name, template=postgres_template)
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def stack(deployed_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All of it, as the unit and the shipped site have it."""
    with running_stack(tmp_path_factory.mktemp("stack"), deployed_database) as running:
        yield running


@pytest.fixture(scope="session")
def gunicorn(stack: Stack) -> Server:
    """The backend as the unit starts it."""
    return stack.gunicorn


@pytest.fixture(scope="session")
def front(stack: Stack) -> Front:
    """The shipped site in front of it."""
    return stack.front


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
