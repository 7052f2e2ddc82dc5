"""The program as it is installed: where it finds its data, what it says when it cannot go on, and that it serves."""

import socket
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from focys.cli.demo import DEMO_ACCOUNTS
from tests.cli.conftest import Focys
from tests.conftest import SECRET_KEY
from tests.support.mail import code_in
from tests.support.processes import Server, environment, free_port, run, serving
from tests.support.service import PASSWORD

ADDRESS = "dana@example.com"


def test_the_embedded_database_is_the_same_from_any_folder(backend: Path, tmp_path: Path):
    env = environment(backend)
    (tmp_path / "elsewhere").mkdir()
    create = ["focys", "users", "create", ADDRESS, "--password-stdin"]

    created = run(create, folder=tmp_path / "elsewhere", env=env, typed=f"{PASSWORD}\n")
    listed = run("focys users list", folder=backend, env=env)

    assert (created.returncode, listed.returncode) == (0, 0), created.stderr
    assert ADDRESS in listed.stdout
    assert (backend / "var" / "focys.db").is_file()
    assert stat.S_IMODE((backend / "var").stat().st_mode) == 0o700
    assert stat.S_IMODE((backend / "var" / "secret_key").stat().st_mode) == 0o600
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_data_dir_puts_the_embedded_database_elsewhere(command: Focys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))

    created = command("users", "create", ADDRESS, "--password-stdin", typed=f"{PASSWORD}\n")

    assert created.exit_code == 0
    assert ADDRESS in command("users", "list").stdout
    assert {"focys.db", "secret_key"} <= {path.name for path in (tmp_path / "data").iterdir()}
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "other"))
    assert "There are no accounts yet" in command("users", "list").stderr


def test_migrate_works_on_an_empty_database_and_again_on_a_current_one(
    command: Focys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)

    before = command("users", "list")
    results = [command("migrate"), command("migrate"), command("users", "list")]

    assert before.exit_code == 1
    assert "focys migrate" in before.stderr
    assert [result.exit_code for result in results] == [0, 0, 0]


def test_a_database_of_a_newer_version_is_not_migrated(
    command: Focys, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")

    result = command("migrate")

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "✗ The database cannot be migrated: Can't locate revision identified by '9999'.",
        "  If a newer version of FOCYS migrated it, use that version. See: focys doctor",
    ]


@pytest.mark.parametrize("arguments", [["users", "list"], ["migrate"], ["serve"]], ids=["users", "migrate", "serve"])
def test_wrong_settings_are_all_named_but_not_quoted(
    command: Focys, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
):
    wrong = {
        "DATABASE_URL": "postgresql://me:hunter2@db.example.com:port/focys",
        "SECRET_KEY": "tooshort",
        "ALGORITHM": "RS256",
        "OTP_EXPIRE_MINUTES": "4711",
        "CORS_ORIGINS": "https://*.example.com",
        "PUBLIC_URL": "ftp://login.example.com",
        "MFA_POLICY": "perhaps",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)

    result = command(*arguments)

    assert result.exit_code == 1
    assert {name for name in wrong if f"  {name}: " in result.stderr} == set(wrong)
    assert [value for value in ("hunter2", *wrong.values()) if value in result.output] == []


@pytest.mark.parametrize("arguments", [["users", "list"], ["migrate"]], ids=["users", "migrate"])
@pytest.mark.parametrize("wrong", ["port", "name", "password"])
def test_an_unusable_database_is_reported(
    command: Focys, monkeypatch: pytest.MonkeyPatch, postgres_url: str, wrong: str, arguments: list[str]
):
    user, _, place = postgres_url.rpartition("@")
    urls = {
        "port": f"postgresql://me:hunter2@127.0.0.1:{free_port()}/focys",
        "name": f"{user}@{place}x",
        "password": f"{user}x@{place}",
    }
    monkeypatch.setenv("DATABASE_URL", urls[wrong])
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)

    result = command(*arguments)

    assert result.exit_code == 1
    assert result.stderr.startswith("✗ The database cannot be used (")
    assert "hunter2" not in result.output


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the pages would be; nothing is there yet."""
    monkeypatch.setattr("focys.cli.serve.PAGES", tmp_path / "dist")
    monkeypatch.setattr("focys.cli.serve.DEMO_PAGES", tmp_path / "dist")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "dist").mkdir()
    return tmp_path / "dist"


@pytest.mark.usefixtures("pages")
def test_serve_reports_missing_pages(command: Focys):
    result = command("serve", "--port", str(free_port()))

    assert result.exit_code == 1
    assert result.stderr.startswith("✗ The pages are not built.")
    assert "npm run build" in result.stderr


def test_serve_reports_a_port_in_use(command: Focys, pages: Path):
    (pages / "index.html").touch()

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = command("serve", "--port", str(port))

    assert result.exit_code == 1
    assert result.stderr.startswith(f"✗ Port {port} cannot be used: Address already in use.")
    assert f"PORT={port + 1}" in result.stderr


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    ("settings", "host", "because"),
    [
        ({"DATABASE_URL": "postgresql://me:hunter2@localhost/focys"}, "127.0.0.1", "DATABASE_URL is set"),
        ({"PUBLIC_URL": "https://login.example.com"}, "127.0.0.1", "PUBLIC_URL is not a local address"),
        ({"SMTP_HOST": "mail.example.com", "SMTP_FROM": "login@example.com"}, "127.0.0.1", "SMTP_HOST is set, "),
        ({}, "0.0.0.0", "0.0.0.0 is not a local address"),
    ],
    ids=["database", "address", "mail", "host"],
)
def test_the_demo_does_not_start_where_others_could_reach_it(
    command: Focys, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], host: str, because: str
):
    for name, value in {**settings, "SECRET_KEY": SECRET_KEY}.items():
        monkeypatch.setenv(name, value)

    result = command("serve", "--demo", "--host", host, "--port", str(free_port()))

    assert result.exit_code == 1
    assert result.stderr.startswith(f"✗ --demo is for trying FOCYS on this machine: {because}")
    assert "hunter2" not in result.output


def test_a_missing_folder_of_the_sqlite_file_is_reported(command: Focys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/focys.db")
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)

    result = command("users", "list")

    assert result.exit_code == 1
    assert "DATABASE_URL: the folder of the SQLite file does not exist" in result.stderr


def served(backend: Path, folder: Path, *options: str) -> Server:
    """``focys serve``, started in another folder than its own."""
    port = free_port()
    command = " ".join(["focys serve", *options, f"--port {port}"])
    return Server(command, port=port, folder=folder, env=environment(backend), log=folder / "serve.log")


def test_serve_has_the_pages_at_the_root_and_the_api_under_api(with_pages: Path, tmp_path: Path):
    server = served(with_pages, tmp_path, "--demo")

    with serving(server, path="/api/health/ready"), httpx.Client(base_url=server.url) as http:
        page, route = http.get("/"), http.get("/mfa-enroll")
        asset, missing = http.get("/assets/index-1a2b3c.js"), http.get("/assets/gone.js")
        credentials = {"email": "alice@student.com", "password": "paper-lantern-orchard-61"}
        begun = http.post("/api/auth/login", json=credentials, headers={"Origin": server.url})
        code = code_in(server.line_with("Email code for alice@student.com"))
        proven = http.post("/api/auth/email-code/verify", json={"code": code})
        exit_code = server.interrupt()

    assert [response.status_code for response in (page, route, asset, missing)] == [200, 200, 200, 404]
    assert "The page" in page.text
    assert route.text == page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert (begun.json()["step"], proven.json()["step"]) == ("email_code", "enroll")
    assert f"http://localhost:{server.port}" in server.output()
    assert exit_code == 0
    assert "Traceback" not in server.output()


def test_serve_reads_its_public_address_from_the_env_file(with_pages: Path, tmp_path: Path):
    """A service behind a proxy sets secure cookies, wherever its address is written."""
    database = f"DATABASE_URL=sqlite:///{tmp_path}/focys.db"
    (with_pages / ".env").write_text(f"PUBLIC_URL=https://login.example.com\nSECRET_KEY={SECRET_KEY}\n{database}\n")
    server = served(with_pages, tmp_path)
    run("focys migrate", folder=with_pages, env=environment(with_pages))
    created = run(
        f"focys users create {ADDRESS} --password-stdin",
        folder=with_pages,
        env=environment(with_pages),
        typed=f"{PASSWORD}\n",
    )
    assert created.returncode == 0, created.stderr
    credentials = {"email": ADDRESS, "password": PASSWORD}

    with serving(server, path="/api/health/ready"):
        begun = httpx.post(f"{server.url}/api/auth/login", json=credentials)

    assert begun.headers["Set-Cookie"].startswith("__Host-focys_login=")
    assert "https://login.example.com" in server.output()
    assert "Email codes go to this console until SMTP_HOST is set." in server.output()


def test_only_the_demo_has_a_phone(with_pages: Path, tmp_path: Path):
    statuses = []
    for options in ([], ["--demo"]):
        server = served(with_pages, tmp_path, *options)
        with serving(server, path="/api/health/ready"):
            statuses.append([httpx.get(f"{server.url}{path}").status_code for path in ("/demo/phone", "/")])

    assert statuses == [[404, 200], [200, 200]]
    assert f"http://localhost:{server.port}/demo/phone" in server.output()


def test_the_demo_greets_with_every_account(with_pages: Path, tmp_path: Path):
    server = served(with_pages, tmp_path, "--demo")

    with serving(server, path="/api/health/ready"):
        output = server.output()

    assert "Sign in as alice@student.com with the password paper-lantern-orchard-61." in output
    assert all(password in output for *_, password in DEMO_ACCOUNTS)


def test_version_and_help(command: Focys):
    assert command("--version").stdout.startswith("focys ")
    assert {"serve", "users", "migrate"} <= set(command("--help").stdout.split())
