"""``alembic`` without a usable database, and without touching one."""

import os
from pathlib import Path
from uuid import uuid4

import pytest

from focys.infra.db.schema import SCHEMA
from focys.settings import Settings
from tests.conftest import SECRET_KEY
from tests.support.guide import Deployment
from tests.support.processes import free_port
from tests.support.roles import psql, psql_command


@pytest.fixture(autouse=True)
def _a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)


@pytest.mark.parametrize("address", ["postgresql://u:sesame@127.0.0.1:{}/d", "postgresql://u:sesame@/d?host=/nowhere"])
def test_an_unreachable_database_is_reported_in_two_sentences(pristine: Path, address: str):
    done = Deployment(pristine, address.format(free_port())).run("alembic upgrade head")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2, done.stderr
    assert done.stderr.startswith("The database cannot be used (")
    assert "sesame" not in done.stderr


def test_an_unreadable_settings_file_is_reported_in_one_sentence(pristine: Path, focys_db: str):
    (pristine / ".env").touch()
    (pristine / ".env").chmod(0)
    # Root reads everything, unless it gives up that right.
    unprivileged = "setpriv --bounding-set=-all --inh-caps=-all " if os.geteuid() == 0 else ""

    done = Deployment(pristine, focys_db).run(f"{unprivileged}alembic upgrade head")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "The configuration cannot be used:",
        ".env: the file cannot be read (Permission denied)",
    ]


async def test_the_printed_statements_make_the_same_schema(
    pristine: Path, focys_db: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("DATABASE_URL", focys_db)
    deployment, script = Deployment(pristine, focys_db), tmp_path / "upgrade.sql"
    script.write_text(deployment.run("alembic upgrade head --sql").stdout)

    ran = psql(focys_db, script, ON_ERROR_STOP="1")

    assert ran.returncode == 0, ran.stderr
    assert await deployment.revision() == SCHEMA
    assert await deployment.alembic("check") == ""


async def test_the_printed_statements_stop_where_secrets_would_have_to_be_encrypted(
    pristine: Path, focys_db: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("DATABASE_URL", focys_db)
    deployment, script = Deployment(pristine, focys_db), tmp_path / "upgrade.sql"
    deployment.done("alembic upgrade 0002")
    insert = "INSERT INTO users (id, email, password_hash, display_name, totp_secret, created_at, updated_at)"
    psql_command(focys_db, f"{insert} VALUES ('{uuid4()}', 'a@b.com', '', '', 'JBSWY3DPEHPK3PXP', now(), now())")
    script.write_text(deployment.run("alembic upgrade 0002:head --sql").stdout)

    ran = psql(focys_db, script, ON_ERROR_STOP="1")

    assert ran.returncode != 0
    assert "by alembic without --sql" in ran.stderr
    assert await deployment.revision() == "0002"


def test_a_role_that_may_create_no_tables_is_told_what_it_needs(
    pristine: Path, focys_db: str, monkeypatch: pytest.MonkeyPatch
):
    role = f"lacking_{uuid4().hex[:8]}"
    psql_command(focys_db, f"CREATE ROLE {role} LOGIN PASSWORD 'sesame'")
    address = focys_db.replace(focys_db.partition("://")[2].partition("@")[0], f"{role}:sesame")
    monkeypatch.setenv("DATABASE_URL", address)

    done = Deployment(pristine, address).run("alembic upgrade head")

    psql_command(focys_db, f"DROP ROLE {role}")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 4, done.stderr
    assert "GRANT CREATE ON SCHEMA public" in done.stderr
