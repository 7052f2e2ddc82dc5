"""What the tests of the edge need: one service on SQLite, since nothing here depends on the database."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from asgi_lifespan import LifespanManager
from starlette.applications import Starlette

from focys.app import create_site
from tests.conftest import settings_for, world_on
from tests.support.service import World


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """An app sets up the logging of the whole process; what it opened is closed again."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
async def lone_world(sqlite_url: str) -> AsyncIterator[World]:
    """The service on SQLite only."""
    async with world_on(sqlite_url) as world:
        yield world


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder as the page builder leaves it, with things beside it that nobody may fetch."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text('<!doctype html><div id="root"></div>')
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-1a2b3c.js").write_text("export {}")
    (folder / "assets" / "index-1a2b3c.css").write_text("body{}")
    (tmp_path / "secret_key").write_text("outside the pages")
    return folder


@pytest.fixture
async def site(sqlite_url: str, pages: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Starlette]:
    """Pages and API in one process, as ``focys serve`` has them."""
    monkeypatch.setattr("focys.app.PAGES", pages)
    app = create_site(settings_for(sqlite_url))
    async with LifespanManager(app, startup_timeout=20):
        yield app
