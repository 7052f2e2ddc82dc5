"""A service that cannot start says why, as the last thing and once, however many workers it was to have."""

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.db.schema import SCHEMA
from tests.conftest import SECRET_KEY
from tests.deploy.shipped import unit_command, unit_environment
from tests.support.processes import Server, copy_backend, environment, free_port, run, serving
from tests.support.waiting import until

GUIDE = "gunicorn -w 4 -k uvicorn.workers.UvicornWorker --bind 127.0.0.1:{port} main:app"
OTHER_KEY = "another-key-that-is-long-enough-to-be-one"
(KEY_ID,) = SecretBox(KeyRing((SECRET_KEY,))).key_ids
KEY_MISSING = (
    f"SECRET_KEY decrypts none of the stored secrets (1 need the key {KEY_ID}): add the old key to SECRET_KEY_FALLBACKS"
)
PROBLEMS = [
    "CORS_ORIGINS: list exact origins such as https://app.example.com; no wildcard, no path",
    "SECRET_KEY: every key needs at least 32 bytes (try: openssl rand -base64 48)",
]
REFUSALS = {
    "settings": ({"SECRET_KEY": "short", "CORS_ORIGINS": "*"}, PROBLEMS),
    "key": (
        {"SECRET_KEY": OTHER_KEY},
        [KEY_MISSING],
    ),
    "schema": (
        {"DATABASE_URL": "sqlite:///empty.db"},
        [f"The database has no schema yet and this version needs {SCHEMA}: alembic upgrade head"],
    ),
}


@pytest.fixture
def backend(sqlite_url: str, tmp_path: Path) -> Path:
    """A copy with settings in ``.env`` and somebody's secret in its database, under the key in the settings."""
    backend = copy_backend(tmp_path)
    (backend / ".env").write_text(f"DATABASE_URL={sqlite_url}\nSECRET_KEY={SECRET_KEY}\n")
    sealed = SecretBox(KeyRing((SECRET_KEY,))).seal("A" * 32, uuid4())
    user = {"id": uuid4().hex, "email": "dana@student.com", "totp_secret": sealed, "password_hash": "-"}
    user |= {"display_name": "Dana"} | dict.fromkeys(("created_at", "updated_at", "password_changed_at"), "2026-01-01")
    with closing(sqlite3.connect(make_url(sqlite_url).database or "")) as database:
        database.execute(f"INSERT INTO users ({', '.join(user)}) VALUES (:{', :'.join(user)})", user)
        database.commit()
    return backend


@pytest.mark.parametrize(("line", "why"), [*(("guide", why) for why in REFUSALS), ("unit", "key")])
def test_four_workers_report_a_refused_start_once(line: str, why: str, backend: Path, tmp_path: Path):
    settings, sentences = REFUSALS[why]
    port = free_port()
    env = environment(backend, **(unit_environment(tmp_path) if line == "unit" else {}), **settings)
    command = GUIDE.format(port=port) if line == "guide" else unit_command(tmp_path, port=port)

    refused = run(command, folder=backend, env=env)

    first, *others = refused.stderr.splitlines()
    assert refused.returncode == 3
    assert "Starting gunicorn" in first
    assert [other.partition(" [ERROR] ")[2] for other in others] == sentences
    assert [*tmp_path.glob("run/focys/metrics/gauge_live*")] == []


def test_one_process_reports_bad_settings_without_a_traceback(backend: Path):
    settings, sentences = REFUSALS["settings"]

    refused = run(f"uvicorn main:app --port {free_port()}", folder=backend, env=environment(backend, **settings))

    assert refused.returncode == 3
    assert refused.stderr.splitlines() == sentences


def test_a_failed_reload_keeps_the_running_workers(backend: Path, tmp_path: Path):
    """As when settings are being edited while logrotate asks for one."""
    port = free_port()
    server = Server(
        GUIDE.format(port=port), port=port, folder=backend, env=environment(backend), log=tmp_path / "output"
    )
    settings = (backend / ".env").read_text()

    with serving(server):
        workers = server.children()
        # The first one answers while others still read the settings.
        until(lambda: server.output().count("Application startup complete") == len(workers))
        (backend / ".env").write_text(f"{settings}SECRET_KEY=short\n")
        server.reload()
        server.line_with("The running workers are unchanged.")
        refused = server.output()
        kept = server.children()
        (backend / ".env").write_text(settings)
        server.reload()
        server.line_with("Hang up")
        until(lambda: len(server.children()) == len(workers) and not {*workers} & {*server.children()})
        server.wait()

    assert kept == workers
    assert PROBLEMS[1] in refused
    assert "Traceback" not in refused
