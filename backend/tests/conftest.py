"""Tests run on SQLite and on a real PostgreSQL, each on a fresh copy of a migrated database; ``--tier`` selects some."""

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgi_lifespan import LifespanManager
from fastapi.dependencies import models

from focys.app import create_app
from focys.infra.db.schema import migrate
from focys.infra.mail.mailer import Mailer
from focys.settings import Settings
from tests.cluster import Cluster, folder_in_memory, running_postgres
from tests.faults.report import pytest_terminal_summary, tell
from tests.support.clock import FrozenClock
from tests.support.hash_costs import with_cheap_hashing
from tests.support.mail import KeptMail
from tests.support.service import World
from tests.tiers import DATABASE_FIXTURES, TIERS, tier_of

TESTS = Path(__file__).parent
SECRET_KEY = "a-key-for-the-tests-that-is-long-enough-0123456789"

SQLITE_BYTES = 256 * 1024 * 1024

MakeWorld = Callable[..., Any]

__all__ = ["pytest_terminal_summary", "tell"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption("--tier", choices=TIERS, help="run the tests of one tier only (see tests/tiers.py)")
    parser.addoption("--release", help="the Debian release on which to run the commands of the docs, such as trixie")


def pytest_configure() -> None:
    """Keep the caller's own configuration out of the tests."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
        os.environ.pop(f"{name.upper()}_FILE", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the tier that was asked for."""
    tier = config.getoption("tier")
    if tier is None:
        return
    others = [item for item in items if _tier_of_item(item) != tier]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _tier_of_item(item) == tier]


def pytest_collection_finish() -> None:
    """Keep what was collected out of every later garbage collection."""
    gc.collect()
    gc.freeze()


def _tier_of_item(item: pytest.Item) -> str:
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    database = next((str(parameters[name]) for name in DATABASE_FIXTURES if name in parameters), None)
    return tier_of(item.path.relative_to(TESTS).as_posix(), database)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real PostgreSQL, for as long as the tests run."""
    with running_postgres() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_template(cluster: Cluster) -> str:
    name = f"template_{uuid4().hex[:8]}"
    url = cluster.create_database(name)
    migrate_at(url)
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "focys.db"
    migrate_at(f"sqlite:///{path}")
    return path


@pytest.fixture
def postgres_url(cluster: Cluster, postgres_template: str) -> Iterator[str]:
    """A migrated PostgreSQL database of the test's own."""
    name = f"test_{uuid4().hex[:12]}"
    yield cluster.create_database(name, template=postgres_template)
    cluster.drop_database(name)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> Iterator[str]:
    """A migrated SQLite database of the test's own, in memory if possible: there, a commit waits for no disk."""
    with tempfile.TemporaryDirectory(dir=folder_in_memory(SQLITE_BYTES) or tmp_path) as folder:
        copy = Path(folder) / "focys.db"
        shutil.copyfile(sqlite_template, copy)
        yield f"sqlite:///{copy}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of each kind: a test that asks for one runs on both."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def make_world(database_url: str) -> MakeWorld:
    """Services with other settings than the default ones."""

    @asynccontextmanager
    async def make(**overrides: Any) -> AsyncIterator[World]:
        async with world_on(database_url, **overrides) as world:
            yield world

    return make


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """The service with its default settings."""
    async with world_on(database_url) as world:
        yield world


@asynccontextmanager
async def world_on(
    url: str, *, clock: FrozenClock | None = None, mailer: Mailer | None = None, **overrides: Any
) -> AsyncIterator[World]:
    """A service on a database."""
    clock, mail = clock or FrozenClock(), KeptMail()
    app = create_app(settings_for(url, **overrides), clock=clock, mailer=mailer or mail)
    async with LifespanManager(app, startup_timeout=20):
        yield World(app, app.state.services, clock, mail)
    _forget_apps()


def settings_for(url: str, **overrides: Any) -> Settings:
    """Settings of a test: no file is read, hashing is cheap."""
    values = {"database_url": url, "secret_key": SECRET_KEY, **overrides}
    return with_cheap_hashing(Settings(_env_file=None, **values), keep=frozenset(overrides))


def _forget_apps() -> None:
    """Clear FastAPI's caches: they keep every app there ever was, and make each garbage collection slower."""
    for value in vars(models).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


def migrate_at(url: str) -> None:
    migrate(settings_for(url).database)
