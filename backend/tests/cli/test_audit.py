"""``focys audit prune``: old facts go, and that is a fact."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.cli.conftest import Focys
from tests.cluster import Cluster
from tests.conftest import SECRET_KEY, settings_for
from tests.support.roles import Roles, production_roles


@pytest.fixture
def roles(cluster: Cluster) -> Iterator[Roles]:
    with production_roles(cluster) as made:
        yield made


def query(url: str, sql: str, **values: Any) -> list[Any]:
    async def run() -> list[Any]:
        engine = create_async_engine(settings_for(url).database)
        async with engine.begin() as connection:
            result = await connection.execute(text(sql), values)
            rows = [tuple(row) for row in result] if result.returns_rows else []
        await engine.dispose()
        return rows

    return asyncio.run(run())


def an_event(url: str, name: str, days_ago: float) -> None:
    on_postgres, at = url.startswith("postgres"), datetime.now(UTC) - timedelta(days=days_ago)
    query(
        url,
        "INSERT INTO audit_events (id, at, event, outcome, source, request_id) VALUES (:id, :at, :name, 'ok', 'x', 'x')",
        id=uuid4() if on_postgres else uuid4().hex,
        at=at if on_postgres else f"{at:%Y-%m-%d %H:%M:%S.%f}",
        name=name,
    )


def test_only_older_events_are_deleted(focys: Focys, database_url: str):
    for name, days in (("ancient", 800), ("old", 365.1), ("recent", 364.9), ("new", 0)):
        an_event(database_url, name, days)

    result = focys("audit", "prune", "--older-than", "365d", "--yes")

    assert result.exit_code == 0, result.output
    assert "Deleted 2 events older than 365 days." in result.stdout
    left = query(database_url, "SELECT event FROM audit_events")
    assert sorted(left) == [("audit pruned",), ("new",), ("recent",)]


@pytest.mark.parametrize("length", ["29d", "0d", "365", "1y", "-365d", "", "999999d"])
def test_recent_events_cannot_be_deleted(focys: Focys, database_url: str, length: str):
    an_event(database_url, "old", 800)

    result = focys("audit", "prune", f"--older-than={length}", "--yes")

    assert result.exit_code == 1
    assert "--older-than 365d" in result.stderr
    assert query(database_url, "SELECT event FROM audit_events") == [("old",)]


def test_only_the_owners_role_can_delete_events(command: Focys, monkeypatch: pytest.MonkeyPatch, roles: Roles):
    an_event(roles.owner, "old", 800)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)

    monkeypatch.setenv("DATABASE_URL", roles.app)
    refused = command("audit", "prune", "--older-than", "365d", "--yes")
    kept = query(roles.owner, "SELECT event FROM audit_events")
    monkeypatch.setenv("DATABASE_URL", roles.owner)
    done = command("audit", "prune", "--older-than", "365d", "--yes")

    assert refused.exit_code == 1
    assert "DATABASE_URL_FILE=/etc/focys/owner_database_url" in refused.stderr
    assert kept == [("old",)]
    assert "Deleted 1 event older" in done.stdout
