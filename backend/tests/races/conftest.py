"""Four server processes on one PostgreSQL database, behind what they take for a proxy."""

from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from focys.services import build_services
from tests.cluster import Cluster
from tests.conftest import SECRET_KEY, settings_for
from tests.support import hash_costs
from tests.support.processes import Server, copy_backend, environment, free_port, serving
from tests.support.roles import psql_command
from tests.support.workers import Workers
from tests.tiers import ISOLATION_LEVELS

WORKERS = 4


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each race with every isolation level that a database may have as its default."""
    if "shared_database" in metafunc.fixturenames:
        # The bursts take minutes, and are about who comes first, whatever the isolation.
        levels = ISOLATION_LEVELS[:1] if metafunc.module.__name__.endswith("test_bursts") else ISOLATION_LEVELS
        metafunc.parametrize("shared_database", levels, indirect=True, scope="session")


@pytest.fixture(scope="session")
def shared_database(request: pytest.FixtureRequest, cluster: Cluster, postgres_template: str) -> Iterator[str]:
    """The database of the processes; each test has accounts of its own in it."""
    name = f"races_{request.param.replace(' ', '_')}"
    url = cluster.create_database(name, template=postgres_template)
    psql_command(url, f"ALTER DATABASE {name} SET default_transaction_isolation = '{request.param}'")
    yield url
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def servers(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Server]]:
    """Four workers, each on a port of its own, so that a test says which one it asks."""
    folder = tmp_path_factory.mktemp("races")
    backend = copy_backend(folder)
    env = environment(
        backend,
        DATABASE_URL=shared_database,
        SECRET_KEY=SECRET_KEY,
        TRUSTED_PROXIES="127.0.0.1",
        PUBLIC_URL="http://127.0.0.1:8000",
    )
    found = []
    for i in range(WORKERS):
        port = free_port()
        command = f"uvicorn main:app --port {port} --no-access-log --timeout-keep-alive 60"
        found.append(Server(command, port=port, folder=backend, env=env, log=folder / f"worker-{i}.log"))
    with serving(*found):
        yield found


@pytest.fixture
async def workers(servers: Sequence[Server], shared_database: str) -> AsyncIterator[Workers]:
    """The four workers, and what a test needs to look behind them."""
    running = Workers(servers, build_services(settings_for(shared_database, **hash_costs.FULL)))
    yield running
    await running.close()
