"""The guide's commands as they stand, in a copy of the backend with a configuration as the guide writes it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from focys.settings import Settings
from tests.cluster import Cluster
from tests.conftest import SECRET_KEY
from tests.support.guide import Deployment
from tests.support.processes import copy_backend


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the backend that is only read."""
    return copy_backend(tmp_path_factory.mktemp("guide"))


@pytest.fixture
def focys_db(cluster: Cluster) -> Iterator[str]:
    """The guide's database."""
    name = f"focys_db_{uuid4().hex[:8]}"
    yield cluster.create_database(name)
    cluster.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, of both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/focys.db"
        return
    yield str(request.getfixturevalue("focys_db"))


@pytest.fixture
def deployment(pristine: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The guide's set-up, before its first command."""
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("DATABASE_URL", empty_url)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    return Deployment(pristine, empty_url)
