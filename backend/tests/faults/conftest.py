"""One deployment for the tests of faults; each leaves it well."""

from collections.abc import AsyncIterator, Iterator

import pytest

from focys.services import Services, build_services
from tests.conftest import settings_for
from tests.faults.caller import Line
from tests.faults.deployed import Deployed, running_deployment
from tests.support import hash_costs


@pytest.fixture(scope="session")
def shared_deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with running_deployment(tmp_path_factory.mktemp("faults")) as running:
        yield running


@pytest.fixture
def deployed(shared_deployment: Deployed) -> Iterator[Deployed]:
    """The deployment, ready to serve before the test and after it."""
    shared_deployment.server.wait()
    yield shared_deployment
    shared_deployment.server.wait()


@pytest.fixture
async def services(deployed: Deployed) -> AsyncIterator[Services]:
    """What a test needs to make accounts and to look behind the service."""
    built = build_services(settings_for(deployed.database_url, **hash_costs.FULL))
    yield built
    await built.close()


@pytest.fixture
def line(deployed: Deployed) -> Line:
    return Line(deployed.server.url)
