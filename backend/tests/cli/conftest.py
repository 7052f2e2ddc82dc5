"""The commands in the test's process, and the installed program on a copy of the backend."""

import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from focys.cli.root import app
from focys.settings import Settings
from tests.cluster import Cluster, find_programs
from tests.conftest import SECRET_KEY, MakeWorld
from tests.support.clock import FrozenClock
from tests.support.dumps import scratch_role
from tests.support.processes import copy_backend
from tests.support.service import World

Focys = Callable[..., Result]
Verify = Callable[..., Result]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[Focys]:
    """Run ``focys …`` under the settings of the environment alone: ``command("users", "list")``."""
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("COLUMNS", "200")
    # A service that happens to run on this machine is not part of the test.
    monkeypatch.setattr("focys.cli.doctor.checks_service.SERVICE", "http://127.0.0.1:9")
    before = logging.getLogger().handlers

    def invoke(*arguments: str, typed: str | bytes = "") -> Result:
        result = CliRunner().invoke(app, list(arguments), input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        return result

    yield invoke
    logging.getLogger().handlers = before


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is a terminal of 80 columns."""
    monkeypatch.setattr("focys.cli.tables.is_terminal", lambda: True)
    monkeypatch.setattr("focys.cli.tables.out", Console(force_terminal=True, width=80, color_system=None))


@pytest.fixture
def focys(command: Focys, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Focys:
    """Run ``focys …`` on the test's database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    return command


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    """The service on the commands' database, and at their time."""
    async with make_world(clock=FrozenClock(datetime.now(UTC))) as world:
        yield world


@pytest.fixture
def backend(tmp_path: Path) -> Path:
    """A copy of the backend, without data and settings; pages belong beside it in frontend/dist."""
    return copy_backend(tmp_path)


@pytest.fixture
def with_pages(backend: Path) -> Path:
    """The copy, with pages built beside it."""
    for folder in ("dist", "dist-demo"):
        pages = backend.parent / "frontend" / folder
        (pages / "assets").mkdir(parents=True)
        (pages / "index.html").write_text("<!doctype html><title>The page</title>")
        (pages / "assets" / "index-1a2b3c.js").write_text("export {}")
    return backend


@pytest.fixture
def scratch(cluster: Cluster) -> Iterator[str]:
    with scratch_role(cluster) as url:
        yield url


@pytest.fixture
def on_postgres(command: Focys, monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> Focys:
    """Run ``focys …`` on a PostgreSQL database, with PostgreSQL's own programs on the PATH."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("PATH", os.pathsep.join([str(find_programs()), os.environ["PATH"]]))
    return command


@pytest.fixture
def verify(on_postgres: Focys, scratch: str, tmp_path: Path) -> Verify:
    """Run ``focys backup verify`` on a dump's bytes."""

    def on(dump: bytes, server: str = scratch, *options: str) -> Result:
        path = tmp_path / "backup"
        path.write_bytes(dump)
        return on_postgres("backup", "verify", str(path), "--scratch", server, *options)

    return on


@pytest.fixture
def on_sqlite(command: Focys, monkeypatch: pytest.MonkeyPatch, sqlite_url: str, tmp_path: Path) -> Focys:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.setattr("focys.cli.doctor.runner.PAGES", tmp_path)
    (tmp_path / "index.html").touch()
    return command
