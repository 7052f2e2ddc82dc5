"""The guide's three ways back, each with real processes on PostgreSQL, as it types them and as it goes on from there."""

from pathlib import Path

import pytest

from focys.infra.db.schema import SCHEMA
from tests.conftest import SECRET_KEY
from tests.support.guide import (
    ALICE,
    ENV_FILE,
    PASSWORD,
    postgres_environment,
    psql,
    sign_in,
    step_of,
    walk_the_first_login,
)
from tests.support.processes import Server, copy_backend, environment, free_port, run, serving
from tests.support.versions import NEXT, Versions

GUNICORN = "gunicorn -w 2 -k uvicorn.workers.UvicornWorker --bind 127.0.0.1:{port} main:app"


@pytest.fixture
def backend(tmp_path: Path, focys_db: str) -> Path:
    """The guide's ``backend``, migrated, with Alice in the database."""
    return with_alice(copy_backend(tmp_path), focys_db)


def with_alice(backend: Path, url: str) -> Path:
    (backend / ".env").write_text(ENV_FILE.format(url=url, key=SECRET_KEY))
    done(backend, "alembic upgrade head")
    done(backend, f"focys users create {ALICE} --password-stdin", typed=PASSWORD)
    return backend


def done(backend: Path, command: str, *, typed: str = "") -> str:
    """Run a command that has to succeed, and return what it printed."""
    result = run(command, folder=backend, env=environment(backend), typed=typed)
    assert result.returncode == 0, result.stderr
    return result.stdout


def gunicorn(backend: Path, **settings: str) -> Server:
    """The guide's production server."""
    port = free_port()
    env = environment(backend, **settings)
    log = backend.parent / f"server-{port}.log"
    return Server(GUNICORN.format(port=port), port=port, folder=backend, env=env, log=log)


def refusal_to_start(backend: Path) -> str:
    """The sentence the server ends with that will not serve what it finds; no traceback comes with it."""
    result = run(GUNICORN.format(port=free_port()), folder=backend, env=environment(backend))
    _, said = result.stderr.splitlines()
    assert result.returncode == 3, result.stderr
    return said.partition(" [ERROR] ")[2]


def test_option_1_clearing_the_flag_depends_on_the_policy(backend: Path, focys_db: str):
    """TOTP-16: the same database under both policies, and the authenticators are there when the flag is set again."""
    required, optional = gunicorn(backend), gunicorn(backend, MFA_POLICY="optional")
    name = focys_db.rpartition("/")[2]

    with serving(required, optional):
        walk_the_first_login(required)
        before = step_of(required), step_of(optional)
        cleared = psql(focys_db, f'psql {name} -c "UPDATE users SET mfa_enabled = false;"')
        during = step_of(required), step_of(optional)
        psql(focys_db, f'psql {name} -c "UPDATE users SET mfa_enabled = true;"')
        after = step_of(required), step_of(optional)

    assert "UPDATE 1" in cleared
    assert before == after == ("totp", "totp")
    assert during == ("email_code", "done")


def test_option_2_the_guides_dump_is_restored(backend: Path, focys_db: str):
    """AVL-09: what was there at the backup is there again, and nothing else; pg_restore refuses such a dump."""
    name, env = focys_db.rpartition("/")[2], postgres_environment(focys_db)
    server = gunicorn(backend)

    with serving(server):
        secret = walk_the_first_login(server)
        dumped = run(f"pg_dump {name} > backup_$(date +%Y%m%d_%H%M%S).sql", folder=backend, env=env)
    (dump,) = backend.glob("backup_*.sql")
    psql(focys_db, f'psql {name} -c "UPDATE users SET mfa_enabled = false, totp_secret = NULL;"')
    done(backend, "focys users create bob@student.com --password-stdin", typed=PASSWORD)
    as_written = run(f"pg_restore -d {name} < {dump}", folder=backend, env=env)
    emptied = run(f"dropdb {name} && createdb {name}", folder=backend, env=env)
    restored = run(f"psql --quiet -v ON_ERROR_STOP=1 {name} < {dump}", folder=backend, env=env)
    server = gunicorn(backend)
    with serving(server):
        signed_in = sign_in(server, secret)

    assert (dumped.returncode, emptied.returncode, restored.returncode) == (0, 0, 0), restored.stderr
    assert as_written.returncode == 1
    assert "Please use psql" in as_written.stderr
    assert signed_in == "done"
    assert "bob@student.com" not in done(backend, "focys users list")
    assert secret not in dump.read_text()


def test_option_2_one_migration_is_reverted_and_reapplied(backend: Path):
    """CFG-08: what would destroy records or credentials is refused, what does not is done, and the service says what it needs."""
    server = gunicorn(backend)
    with serving(server):
        secret = walk_the_first_login(server)

    refused = run("alembic downgrade base", folder=backend, env=environment(backend))
    done(backend, "alembic downgrade -1")
    told = refusal_to_start(backend)
    done(backend, "alembic upgrade head")
    server = gunicorn(backend)
    with serving(server):
        signed_in = sign_in(server, secret)

    assert refused.returncode == 1
    assert "known browsers. Nothing was changed." in refused.stderr
    assert "alembic -x destroy-records=yes downgrade base" in refused.stderr
    assert told == (
        f"The database's schema is {int(SCHEMA) - 1:04} and this version needs {SCHEMA}: alembic upgrade head"
    )
    assert signed_in == "done"


def test_option_3_older_code_needs_the_older_schema(tmp_path: Path, focys_db: str):
    """CFG-08: also with the files that the guide's command leaves lying about."""
    versions = Versions(tmp_path / "code")
    backend = with_alice(versions.folder / "backend", focys_db)
    versions.publish_next(is_breaking=True)
    versions.git("checkout next-version -- backend/")
    done(backend, "alembic upgrade head")
    server = gunicorn(backend)
    with serving(server):
        secret = walk_the_first_login(server)

    versions.git("checkout previous-version -- backend/")
    left_behind = versions.next_migration.is_file()
    told = refusal_to_start(backend)
    versions.git("checkout --no-overlay previous-version -- backend/")
    told_again = refusal_to_start(backend)
    lost = run(f"alembic downgrade {SCHEMA}", folder=backend, env=environment(backend))
    versions.git("checkout next-version -- backend/")
    done(backend, f"alembic downgrade {SCHEMA}")
    versions.git("checkout --no-overlay previous-version -- backend/")
    server = gunicorn(backend)
    with serving(server):
        signed_in = sign_in(server, secret)

    assert left_behind
    assert (
        told
        == told_again
        == (
            f"The database's schema is {NEXT}, which is newer than this version, and this version needs {SCHEMA}: "
            f"reinstall the newer version, or use it to run alembic downgrade {SCHEMA}"
        )
    )
    assert lost.returncode != 0
    assert not versions.next_migration.exists()
    assert signed_in == "done"
