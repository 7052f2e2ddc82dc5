"""Two servers on one database, one of which is upgraded first: the other keeps serving."""

import os
import shutil
import signal
from pathlib import Path

import httpx

from focys.infra.db.schema import SCHEMA
from tests.conftest import SECRET_KEY
from tests.guide.test_rollback import done, gunicorn, with_alice
from tests.support.guide import ENV_FILE, sign_in, walk_the_first_login
from tests.support.processes import Server, environment, run, serving
from tests.support.versions import NEXT, Versions
from tests.support.waiting import until


def test_a_server_not_upgraded_yet_keeps_serving_even_if_a_worker_is_replaced(tmp_path: Path, focys_db: str):
    """CFG-08: the migration of the next version says that this one can still serve."""
    versions, upgraded = Versions(tmp_path / "code"), tmp_path / "upgraded"
    first = with_alice(versions.folder / "backend", focys_db)
    versions.publish_next()
    versions.git(f"clone --quiet {versions.folder} {upgraded}")
    second = upgraded / "backend"
    (second / ".env").write_text(ENV_FILE.format(url=focys_db, key=SECRET_KEY))
    old, new = with_workers(first, tmp_path / "old"), with_workers(second, tmp_path / "new")

    with serving(old):
        secret = walk_the_first_login(old)
        done(second, "alembic upgrade head")
        with serving(new):
            statuses = [readiness(old), readiness(new)]
            replace_a_worker(old)
            statuses += [readiness(old)] * 4
            signed_in = sign_in(old, secret)
    doctor = run("focys doctor", folder=first, env=environment(first))

    assert statuses == [200] * 6
    assert signed_in == "done"
    assert f"at {NEXT}, newer than this version, which can still serve it" in doctor.stdout


def test_a_worker_that_starts_between_the_new_code_and_its_migration_waits(tmp_path: Path, focys_db: str):
    """CFG-08: the others keep serving instead of ending with it."""
    versions = Versions(tmp_path / "code")
    backend = with_alice(versions.folder / "backend", focys_db)
    versions.publish_next()
    server = with_workers(backend, tmp_path / "metrics")

    with serving(server):
        versions.git("checkout --quiet --no-overlay next-version -- backend/")
        replace_a_worker(server, is_to_wait=True)
        during = [httpx.get(f"{server.url}/health/live").status_code for _ in range(10)]
        is_waiting = f"this version needs {NEXT}" in server.line_with("worker_waits")
        done(backend, "alembic upgrade head")
        until(lambda: server.output().count("Application startup complete") == 3)
        after = {readiness(server) for _ in range(6)}

    assert during == [200] * 10
    assert is_waiting
    assert after == {200}
    assert SCHEMA < NEXT


def with_workers(backend: Path, metrics: Path) -> Server:
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir()
    return gunicorn(backend, PROMETHEUS_MULTIPROC_DIR=str(metrics))


def readiness(server: Server) -> int:
    return httpx.get(f"{server.url}/health/ready").status_code


def replace_a_worker(server: Server, *, is_to_wait: bool = False) -> None:
    """Kill one of the two workers, and return once another one is there; it serves, unless it has to wait."""
    until(lambda: server.output().count("Application startup complete") == 2)
    gone = server.children()[0]
    os.kill(gone, signal.SIGKILL)
    until(lambda: len(server.children()) == 2 and gone not in server.children())
    if not is_to_wait:
        until(lambda: server.output().count("Application startup complete") == 3)
