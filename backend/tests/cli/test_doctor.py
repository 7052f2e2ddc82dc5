"""``focys doctor`` on real databases and a real mail server, with and without faults."""

from asyncio import to_thread
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from tests.cli.conftest import Focys
from tests.cluster import OwnCluster, running_postgres
from tests.conftest import SECRET_KEY, migrate_at, settings_for
from tests.support.doctor import OTHER_KEY, enrolled, execute, line_of
from tests.support.processes import free_port
from tests.support.smtp import PASSWORD, USER, mail_server


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[OwnCluster]:
    """A server that these tests may stop."""
    with running_postgres(own=True) as cluster:
        assert isinstance(cluster, OwnCluster)
        yield cluster


@pytest.mark.parametrize("how", [[], ["--support"]], ids=["table", "text"])
def test_a_healthy_service_passes(focys: Focys, how: list[str]):
    result = focys("doctor", *how)

    assert result.exit_code == 0, result.output
    # Pages that are not built here, or a role that may do much, are for the test's machine to say.
    assert [line for line in result.stdout.splitlines() if line.startswith(("✗", "fail"))] == []
    for name in ("settings", "database", "schema", "keys", "clock", "phones", "outbox", "mail", "limits", "log file"):
        assert name in result.stdout
    assert "Traceback" not in result.output


def test_every_wrong_setting_is_a_line_without_its_value(command: Focys, monkeypatch: pytest.MonkeyPatch):
    wrong = {"SECRET_KEY": "tooshort", "ALGORITHM": "RS256", "PUBLIC_URL": "ftp://login.example.com"}
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)

    results = [command("doctor"), command("doctor", "--support")]

    for result in results:
        assert result.exit_code == 1
        assert {name for name in wrong if f"{name}: " in result.stdout} == set(wrong)
        assert [value for value in wrong.values() if value in result.output] == []


def test_a_stopped_postgresql_fails_one_check_only(
    command: Focys, monkeypatch: pytest.MonkeyPatch, own_cluster: OwnCluster
):
    url = own_cluster.create_database("examined")
    migrate_at(url)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    running = command("doctor", "--support")

    own_cluster.stop()
    stopped = command("doctor", "--support")
    own_cluster.start()

    assert running.exit_code == 0, running.output
    assert line_of(running.stdout, "database").startswith("ok    database          PostgreSQL ")
    assert stopped.exit_code == 1
    assert line_of(stopped.stdout, "database").startswith("fail")
    assert "systemctl restart postgresql" in line_of(stopped.stdout, "database")
    assert line_of(stopped.stdout, "mail").startswith("ok")
    assert "Traceback" not in stopped.output


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [("nowhere", "correct the database's name"), ("password", "correct the role and its password in DATABASE_URL")],
)
def test_a_refused_connection_has_its_own_fix(
    command: Focys, monkeypatch: pytest.MonkeyPatch, own_cluster: OwnCluster, wrong: str, fix: str
):
    user, _, place = own_cluster.url.rpartition("@")
    monkeypatch.setenv("DATABASE_URL", f"{user}@{place}x" if wrong == "nowhere" else f"{user}x@{place}")
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)

    result = command("doctor", "--support")

    assert result.exit_code == 1
    assert fix in line_of(result.stdout, "database")


@pytest.mark.parametrize(
    ("revision", "told"),
    [("0005", "at 0005; this version needs"), ("9999", "which this version does not know"), (None, "never migrated")],
)
def test_an_unexpected_schema_fails(on_sqlite: Focys, sqlite_url: str, revision: str | None, told: str):
    execute(sqlite_url, "UPDATE alembic_version SET version_num = :at", at=revision) if revision else execute(
        sqlite_url, "DROP TABLE alembic_version"
    )

    execute(sqlite_url, "UPDATE schema_support SET oldest = '9999'")

    result = on_sqlite("doctor", "--support")

    assert result.exit_code == 1
    assert line_of(result.stdout, "schema").startswith("fail")
    assert told in line_of(result.stdout, "schema")


def test_a_wrong_key_fails(on_sqlite: Focys, sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    enrolled(sqlite_url, 3)
    right = on_sqlite("doctor", "--support")

    monkeypatch.setenv("SECRET_KEY", OTHER_KEY)
    wrong = on_sqlite("doctor", "--support")

    assert (right.exit_code, wrong.exit_code) == (0, 1)
    assert "SECRET_KEY decrypts all 3" in line_of(right.stdout, "keys")
    assert "3 of 3 TOTP secrets cannot be decrypted" in line_of(wrong.stdout, "keys")


def test_a_fallback_key_in_use_is_a_warning(on_sqlite: Focys, sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    enrolled(sqlite_url, 2)
    enrolled(sqlite_url, 1, key=OTHER_KEY)
    monkeypatch.setenv("SECRET_KEY", OTHER_KEY)
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", SECRET_KEY)

    result = on_sqlite("doctor", "--support")

    assert result.exit_code == 0
    assert line_of(result.stdout, "keys").startswith("warn  keys              2 of 3 TOTP secrets still need")


@pytest.mark.parametrize(
    ("lost", "line"), [("focys.db", "warn  database"), ("secret_key", "fail  keys"), ("cut", "fail  keys")]
)
def test_missing_files_of_the_embedded_database_are_not_created(
    command: Focys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lost: str, line: str
):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    assert command("users", "list").exit_code == 0
    if lost == "cut":
        (tmp_path / "data" / "secret_key").write_text("short")
    else:
        (tmp_path / "data" / lost).unlink()

    result = command("doctor", "--support")

    assert line in result.stdout
    assert result.exit_code == (1 if line.startswith("fail") else 0)
    assert lost == "cut" or not (tmp_path / "data" / lost).exists()


def test_phone_offsets_come_from_the_accounts(on_sqlite: Focys, sqlite_url: str):
    enrolled(sqlite_url, 2)
    enrolled(sqlite_url, 4, offset=1)

    result = on_sqlite("doctor", "--support")

    assert result.exit_code == 1
    assert "most of 6 phones disagree: the service's clock is 30 s behind" in line_of(result.stdout, "phones")


async def test_a_test_email_is_sent_like_any_other(on_sqlite: Focys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    async with mail_server(tmp_path) as server:
        set_mail(monkeypatch, server.port, server.ca_file)
        taken = await to_thread(on_sqlite, "doctor", "--send-test", "dana@example.com")
        server.answers = ["550 5.7.1 \x1b[31mNot for dana@example.com"]
        refused = await to_thread(on_sqlite, "doctor", "--send-test", "dana@example.com")
        server.answers = ["550 5.7.1 Not for dana@example.com"]
        passed_on = await to_thread(on_sqlite, "doctor", "--support", "--send-test", "dana@example.com")

    assert [result.exit_code for result in (taken, refused, passed_on)] == [0, 1, 1]
    assert server.recipients == [["dana@example.com"]]
    assert server.over_tls == [True]
    assert "accepted by" in taken.stdout
    assert "550 5.7.1 [31mNot for dana@example.com" in " ".join(refused.stdout.split())
    assert "550" in line_of(passed_on.stdout, "test email")
    assert "dana" not in passed_on.output


async def test_an_unusable_mail_server_fails(on_sqlite: Focys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    set_mail(monkeypatch, free_port())
    absent = await to_thread(on_sqlite, "doctor", "--support", "--send-test", "dana@example.com")
    async with mail_server(tmp_path) as server:
        set_mail(monkeypatch, server.port, server.ca_file)
        monkeypatch.setenv("SMTP_PASSWORD", "not-the-password")
        wrong = await to_thread(on_sqlite, "doctor", "--support")

    for result, told in ((absent, "SMTPConnectError"), (wrong, "535")):
        assert result.exit_code == 1
        assert line_of(result.stdout, "mail").startswith("fail")
        assert told in line_of(result.stdout, "mail")
        assert "Traceback" not in result.output
    assert line_of(absent.stdout, "test email").startswith("fail")


async def test_a_sender_that_the_mail_server_refuses_fails_without_a_test_email(
    on_sqlite: Focys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    async with mail_server(tmp_path) as server:
        server.refused = {USER}
        set_mail(monkeypatch, server.port, server.ca_file)
        result = await to_thread(on_sqlite, "doctor", "--support")

    assert result.exit_code == 1
    assert "SMTPSenderRefused 553" in line_of(result.stdout, "mail")
    assert "set SMTP_FROM" in line_of(result.stdout, "mail")
    assert server.messages == []


async def test_a_recipient_that_the_mail_server_refuses_is_why_an_email_waits(
    on_sqlite: Focys, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    enrolled(sqlite_url)
    engine = create_engine(settings_for(sqlite_url).database.replace("+aiosqlite", ""))
    with engine.begin() as connection:
        user, address = connection.execute(text("SELECT id, email FROM users")).one()
    engine.dispose()
    execute(
        sqlite_url,
        "INSERT INTO outbox (id, user_id, kind, about, created_at, due_at, tries) "
        "VALUES (:user, :user, 'totp_locked', '{}', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', 0)",
        user=user,
    )
    async with mail_server(tmp_path) as server:
        server.refused = {address}
        set_mail(monkeypatch, server.port, server.ca_file)
        shown = await to_thread(on_sqlite, "doctor")
        passed_on = await to_thread(on_sqlite, "doctor", "--support")

    assert "the mail server refuses the oldest (SMTPRecipientRefused 550)" in line_of(passed_on.stdout, "outbox")
    assert "5.1.1 No such user" in shown.stdout
    assert "student.com" not in passed_on.stdout
    assert server.messages == []


def set_mail(monkeypatch: pytest.MonkeyPatch, port: int, ca_file: str = "") -> None:
    values = {"HOST": "localhost", "PORT": str(port), "USER": USER, "PASSWORD": PASSWORD, "CA_FILE": ca_file}
    for name, value in values.items():
        monkeypatch.setenv(f"SMTP_{name}", value)


def test_overdue_emails_are_counted(on_sqlite: Focys, sqlite_url: str):
    for day, done in (("2026-01-01", None), ("2026-01-01", "2026-01-01"), ("2999-01-01", None)):
        execute(
            sqlite_url,
            "INSERT INTO outbox (id, user_id, kind, about, created_at, due_at, tries, done_at) "
            "VALUES (:id, :id, 'totp_locked', '{}', :day, :day, 0, :done)",
            id=uuid4().hex,
            day=f"{day} 00:00:00.000000",
            done=done and f"{done} 00:00:00.000000",
        )

    result = on_sqlite("doctor", "--support")

    assert line_of(result.stdout, "outbox").startswith("warn  outbox            1 message has been waiting")
