"""Every other command of the guide, as it stands there."""

import re
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import SECRET_KEY
from tests.support.guide import ALICE, ENV_FILE, PASSWORD, a_server, psql, walk_the_first_login
from tests.support.processes import BACKEND, copy_backend, environment, free_port, run, serving

TOTP_SNIPPET = '''python -c "
from utils.totp import generate_totp_secret, verify_totp_code, get_current_totp_code
secret = generate_totp_secret()
print(f'Secret: {secret}')
code = get_current_totp_code(secret)
print(f'Current code: {code}')
verified = verify_totp_code(secret, code)
print(f'Verified: {verified}')
"'''

QR_SNIPPET = '''python -c "
from utils.totp import generate_totp_secret, get_totp_provisioning_uri, generate_qr_code
secret = generate_totp_secret()
uri = get_totp_provisioning_uri('test@example.com', secret)
qr = generate_qr_code(uri)
print('QR code generated:', len(qr), 'bytes')
print('First 50 chars:', qr[:50])
"'''


@pytest.fixture
def backend(tmp_path: Path, focys_db: str) -> Path:
    """The folder ``backend`` of the guide, with its ``.env``."""
    copy = copy_backend(tmp_path)
    (copy / ".env").write_text(ENV_FILE.format(url=focys_db, key=SECRET_KEY))
    return copy


def test_the_guides_first_start_and_first_login(backend: Path):
    """Migrations, ``uvicorn main:app --reload``, the code on the console, and a stop that leaves nothing behind."""
    env = environment(backend)
    migrated = run("alembic upgrade head", folder=backend, env=env)
    created = run(["focys", "users", "create", ALICE, "--password-stdin"], folder=backend, env=env, typed=PASSWORD)
    server = a_server("uvicorn main:app --reload", backend, free_port())

    with serving(server):
        walk_the_first_login(server)
        preflight = httpx.options(
            f"{server.url}/auth/login",
            headers={"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST"},
        )
        server.interrupt()

    assert (migrated.returncode, created.returncode) == (0, 0), migrated.stderr + created.stderr
    assert preflight.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert f"Uvicorn running on http://127.0.0.1:{server.port}" in server.output()
    assert "Traceback" not in server.output()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/health/live")


def test_the_guides_production_server_and_database_maintenance(backend: Path, focys_db: str):
    """Gunicorn with four workers, then the guide's own SQL through psql."""
    run("alembic upgrade head", folder=backend, env=environment(backend))
    create = ["focys", "users", "create", ALICE, "--password-stdin"]
    run(create, folder=backend, env=environment(backend), typed=PASSWORD)
    port = free_port()
    server = a_server(f"gunicorn -w 4 -k uvicorn.workers.UvicornWorker --bind 127.0.0.1:{port} main:app", backend, port)

    with serving(server):
        secret = walk_the_first_login(server)
        exit_code = server.stop()

    assert exit_code == 0
    assert server.output().count("Booting worker") == 4
    assert secret not in server.output()
    name = focys_db.rpartition("/")[2]
    columns = psql(
        focys_db,
        f"psql {name} -c \"SELECT column_name FROM information_schema.columns WHERE table_name='users';\"",
    )
    assert {"totp_secret", "mfa_enabled"} <= set(columns.split())
    enrolled = psql(focys_db, f'psql {name} -c "SELECT email, mfa_enabled, totp_secret IS NOT NULL FROM users;"')
    assert re.search(rf"{ALICE} +\| t +\| t", enrolled)
    stale = f'psql {name} -c "SELECT email FROM users WHERE totp_secret IS NOT NULL AND mfa_enabled = false;"'
    assert "(0 rows)" in psql(focys_db, stale)
    assert "UPDATE 1" in psql(focys_db, f'psql {name} -c "UPDATE users SET mfa_enabled = false;"')
    assert ALICE in psql(focys_db, stale)


def test_the_guides_placeholder_key_is_refused(backend: Path):
    (backend / ".env").write_text((backend / ".env").read_text().replace(SECRET_KEY, "your-secret-key-here"))

    migrated = run("alembic upgrade head", folder=backend, env=environment(backend))

    assert migrated.returncode == 1
    assert "SECRET_KEY: is a placeholder" in migrated.stderr
    assert "your-secret-key-here" not in migrated.stderr
    assert "Traceback" not in migrated.stderr


def test_the_guides_totp_snippet_works(pristine: Path):
    printed = run(TOTP_SNIPPET, folder=pristine, env=environment(pristine)).stdout

    assert re.fullmatch(r"Secret: [A-Z2-7]{32}\nCurrent code: [0-9]{6}\nVerified: True\n", printed)


def test_the_guides_qr_snippet_works(pristine: Path):
    printed = run(QR_SNIPPET, folder=pristine, env=environment(pristine)).stdout

    found = re.fullmatch(r"QR code generated: ([0-9]+) bytes\nFirst 50 chars: (.{50})\n", printed)
    assert found is not None
    assert int(found[1]) > 500
    assert found[2].startswith("data:image/png;base64,iVBORw0KGgo")


def test_the_requirements_are_complete_pinned_and_hashed():
    """CFG-07: nothing would be looked for that the file does not name, and nothing is taken without its hash."""
    lock = (BACKEND / "requirements.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", lock) if not entry.startswith("#")]
    install = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-index", "--dry-run"]

    result = run([*install, "--require-hashes", "-r", "requirements.txt"], folder=BACKEND, env=environment(BACKEND))

    assert len(entries) > 20
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    assert result.returncode == 0, result.stderr
    assert "Would install" not in result.stdout
    assert shutil.which("gunicorn", path=environment(BACKEND)["PATH"]) is not None
    assert re.search(r"^gunicorn==", lock, re.MULTILINE)


def test_the_installed_packages_are_compatible():
    result = run([sys.executable, "-m", "pip", "check"], folder=BACKEND, env=environment(BACKEND))

    assert result.returncode == 0, result.stdout
