"""``focys backup verify``: what it reports, and that it touches nothing but the scratch database."""

import asyncio
import gzip
import json
import signal
import subprocess
import sys
import time
from asyncio import to_thread
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]
import pytest
from rich.console import Console

from focys.cli.backup import trial
from focys.cli.backup.restore import psql_environment
from focys.cli.backup.scratch import scratch_database
from focys.infra.db.schema import needed_revision
from tests.cli.conftest import Focys, Verify
from tests.cluster import Cluster
from tests.conftest import SECRET_KEY, world_on
from tests.support.attempts import at_enrollment
from tests.support.clock import FrozenClock
from tests.support.dumps import line_of, pg_dump, states_of
from tests.support.processes import BACKEND, environment
from tests.support.rows import execute
from tests.support.service import World

OTHER_KEY = "another-key-that-is-long-enough-for-everyone-0987654321"
CLEAR = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    """A service on PostgreSQL with two people who are enrolled, one of whom is signed in, and one at the QR code."""
    async with world_on(postgres_url, clock=FrozenClock(datetime.now(UTC))) as world:
        alice = await world.an_account(enrolled=True)
        await world.an_account("bob@student.com", enrolled=True)
        await world.signed_in(alice)
        await at_enrollment(world, await world.an_account("carol@student.com"))
        yield world


def scratch_databases(cluster: Cluster) -> list[str]:
    async def ask() -> list[str]:
        connection = await asyncpg.connect(cluster.url)
        try:
            found = await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'focys_verify_%'")
            return [row[0] for row in found]
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("how", ["plain", "gzip", "custom", "tar", "inserts", "clean", "standard input"])
async def test_a_good_backup_passes_in_every_format(
    world: World, verify: Verify, command: Focys, scratch: str, cluster: Cluster, postgres_url: str, how: str
):
    options = {"custom": "-Fc", "tar": "-Ft", "inserts": "--inserts", "clean": "--clean"}
    dump = await to_thread(pg_dump, postgres_url, *filter(None, [options.get(how)]))

    if how == "standard input":
        result = await to_thread(command, "backup", "verify", "-", "--scratch", scratch, typed=dump)
    else:
        result = await to_thread(verify, gzip.compress(dump) if how == "gzip" else dump)

    assert result.exit_code == 0, result.output
    assert set(states_of(result).values()) == {"ok"}
    assert f"at {needed_revision()}, which this version needs" in line_of(result, "schema")
    assert "3 accounts, 2 with an authenticator; 1 enrollments, 3 open sessions" in line_of(result, "accounts")
    assert "SECRET_KEY decrypts all 3" in line_of(result, "secrets")
    assert "less than an hour ago" in line_of(result, "age")
    assert "All 7 checks passed." in result.stdout
    assert await to_thread(scratch_databases, cluster) == []


async def test_the_report_is_json_on_request(
    world: World, verify: Verify, scratch: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
):
    dump = await to_thread(pg_dump, postgres_url)

    good = await to_thread(verify, dump, scratch, "--json")
    unusable = await to_thread(verify, b"", scratch, "--json")
    monkeypatch.setenv("SECRET_KEY", OTHER_KEY)
    unreadable = await to_thread(verify, dump, scratch, "--json")

    report = json.loads(good.stdout)
    assert (good.exit_code, report["healthy"]) == (0, True)
    assert {check["state"] for check in report["checks"]} == {"ok"}
    assert (unreadable.exit_code, json.loads(unreadable.stdout)["healthy"]) == (1, False)
    assert (unusable.exit_code, unusable.stdout) == (1, "")


async def test_no_secret_password_or_person_is_printed(world: World, verify: Verify, scratch: str, postgres_url: str):
    """LOG-02: not even the scratch role's password."""
    account = await world.an_account("dana@student.com", enrolled=True)
    await execute(world, f"UPDATE users SET display_name = '{CLEAR}'")

    result = await to_thread(verify, await to_thread(pg_dump, postgres_url))

    assert result.exit_code == 1
    words = (account.secret, CLEAR, SECRET_KEY, "scratch-password", "dana@", urlsplit(postgres_url).password)
    assert [word for word in words if word and word in result.output] == []


@pytest.mark.parametrize(
    ("fallbacks", "state", "told"),
    [("", "fail", "no configured key decrypts 3 of 3"), (SECRET_KEY, "warn", "3 of them with a fallback key only")],
    ids=["lost", "fallback"],
)
async def test_secrets_under_another_key_are_reported(
    world: World,
    verify: Verify,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    fallbacks: str,
    state: str,
    told: str,
):
    """CRY-02, CRY-03, CRY-08: a backup opens only with the key, old or new."""
    dump = await to_thread(pg_dump, postgres_url)
    monkeypatch.setenv("SECRET_KEY", OTHER_KEY)
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", fallbacks)

    result = await to_thread(verify, dump)

    assert result.exit_code == (1 if state == "fail" else 0)
    assert states_of(result)["secrets"] == state
    assert told in line_of(result, "secrets")
    assert states_of(result)["plaintext"] == "ok"


@pytest.mark.parametrize(
    ("change", "name", "told"),
    [
        (
            "UPDATE users SET totp_secret = left(totp_secret, 60) WHERE email LIKE 'bob%'",
            "secrets",
            "1 of 3 are damaged",
        ),
        (f"UPDATE users SET totp_secret = '{CLEAR}' WHERE email LIKE 'bob%'", "plaintext", "1 in users.totp_secret"),
        (f"UPDATE totp_setups SET secret = '{CLEAR}'", "plaintext", "1 in totp_setups.secret"),
        (f"UPDATE users SET display_name = 'key {CLEAR}!'", "plaintext", "3 in users.display_name"),
        (f"""UPDATE outbox SET about = '{{"secret": "{CLEAR}"}}'""", "plaintext", "in outbox.about"),
        (
            f"UPDATE audit_events SET detail = 'otpauth://totp/A:b?secret={CLEAR}&issuer=A' WHERE event = 'TOTP'",
            "plaintext",
            "1 in audit_events.detail",
        ),
        (f"UPDATE users SET display_name = 'note: {SECRET_KEY}'", "plaintext", "contains one of the configured keys"),
        ("UPDATE users SET password_hash = 'md5' WHERE email LIKE 'bob%'", "hashes", "1 in users.password_hash"),
        ("UPDATE backup_codes SET code_hash = '0123-4567'", "hashes", "not Argon2id: 20 in backup_codes.code_hash"),
        ("UPDATE alembic_version SET version_num = '9999'", "schema", "at 9999, which this version does not know"),
        ("DROP TABLE alembic_version", "schema", "not a FOCYS database"),
    ],
)
@pytest.mark.parametrize("how", ["-Fp", "-Fc"])
async def test_each_flaw_of_a_backup_fails_and_is_named(
    world: World, verify: Verify, postgres_url: str, how: str, change: str, name: str, told: str
):
    """PWD-03, BKP-02, CRY-02, CRY-04, CRY-05, CRY-08: and the rest is still checked."""
    await execute(world, change)

    result = await to_thread(verify, await to_thread(pg_dump, postgres_url, how))

    assert result.exit_code == 1
    assert states_of(result)[name] == "fail"
    assert "plaintext" in states_of(result)
    assert told in line_of(result, name)


async def test_an_old_backup_is_a_warning(world: World, verify: Verify, postgres_url: str):
    old = "now() - interval '9 days'"
    for table, columns in {
        "users": ("created_at", "updated_at"),
        "audit_events": ("at",),
        "sessions": ("created_at", "last_used_at", "rotated_at", "auth_time"),
        "pending_logins": ("created_at", "code_sent_at", "consumed_at"),
        "totp_setups": ("created_at",),
        "backup_codes": ("created_at",),
        "browsers": ("created_at", "last_seen_at"),
        "outbox": ("created_at", "done_at"),
        "throttles": ("last_at",),
    }.items():
        await execute(world, f"UPDATE {table} SET " + ", ".join(f"{column} = {old}" for column in columns))

    result = await to_thread(verify, await to_thread(pg_dump, postgres_url))

    assert result.exit_code == 0
    assert states_of(result)["age"] == "warn"
    assert "9 days ago" in line_of(result, "age")


async def test_the_real_database_is_not_touched(world: World, verify: Verify, postgres_url: str):
    before = await to_thread(pg_dump, postgres_url)

    results = [await to_thread(verify, dump) for dump in (before, before[: len(before) // 2])]

    def rows(dump: bytes) -> list[bytes]:
        return [line for line in dump.splitlines() if not line.startswith((b"\\", b"--"))]

    assert [result.exit_code for result in results] == [0, 1]
    assert rows(await to_thread(pg_dump, postgres_url)) == rows(before)


@pytest.mark.parametrize("how", ["in the URL", "in PGPASSFILE", "in the home folder"])
def test_the_trial_takes_the_password_from_a_password_file(
    verify: Verify, scratch: str, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
):
    parts = urlsplit(scratch)
    file = tmp_path / ".pgpass"
    file.write_text(f"*:*:*:{parts.username}:{parts.password}\n")
    file.chmod(0o600)
    server = scratch.replace(f":{parts.password}@", "@")
    if how == "in the URL":
        server += f"?passfile={file}"
    else:
        monkeypatch.setenv(*(("PGPASSFILE", str(file)) if how == "in PGPASSFILE" else ("HOME", str(tmp_path))))

    result = verify(pg_dump(postgres_url), server)

    assert result.exit_code == 0, result.output


def test_psql_checks_the_servers_certificate_as_the_service_does(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/focys/root.crt")
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")

    environment = psql_environment("postgresql+asyncpg://focys:secret@db.example/focys?ssl=verify-full")

    assert environment["PGSSLMODE"] == "verify-full"
    assert environment["PGSSLROOTCERT"] == "/etc/focys/root.crt"
    assert "PGHOSTADDR" not in environment  # the driver does not read it, and would try another server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_interrupted_it_drops_the_scratch_database(
    scratch: str, cluster: Cluster, postgres_url: str, tmp_path: Path, number: signal.Signals
):
    settings = {"DATABASE_URL": postgres_url, "SECRET_KEY": SECRET_KEY}
    (tmp_path / "begun").write_bytes(pg_dump(postgres_url).replace(b"\n\n", b"\n\nSELECT pg_sleep(60);\n\n", 1))
    command = [sys.executable, "-c", "from focys.cli import main; main()", "backup", "verify", "begun"]
    process = subprocess.Popen(
        [*command, "--scratch", scratch],
        cwd=tmp_path,
        env=environment(BACKEND, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not scratch_databases(cluster) and time.monotonic() < deadline:
        time.sleep(0.05)
    meanwhile = scratch_databases(cluster)

    process.send_signal(number)
    _, printed = process.communicate(timeout=30)

    assert len(meanwhile) == 1
    assert process.returncode != 0
    assert "Traceback" not in printed, printed
    assert scratch_databases(cluster) == []


def test_interrupted_while_the_scratch_database_is_created_it_drops_it_too(
    scratch: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
):
    execute = asyncpg.Connection.execute

    async def interrupted(self: Any, sql: str) -> str:
        status: str = await execute(self, sql)
        if sql.startswith("CREATE DATABASE"):
            signal.raise_signal(signal.SIGINT)
        return status

    monkeypatch.setattr(asyncpg.Connection, "execute", interrupted)

    with pytest.raises(KeyboardInterrupt), scratch_database(scratch):
        raise AssertionError("the trial went on")

    assert scratch_databases(cluster) == []


def test_an_sqlite_file_is_checked_the_same_way(
    command: Focys, monkeypatch: pytest.MonkeyPatch, sqlite_url: str, tmp_path: Path
):
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)

    async def people() -> None:
        async with world_on(sqlite_url, clock=FrozenClock(datetime.now(UTC))) as world:
            await world.an_account(enrolled=True)
            await execute(world, f"VACUUM INTO '{tmp_path}/backup.db'")
            await execute(world, f"UPDATE users SET totp_secret = '{CLEAR}', display_name = '{SECRET_KEY}'")
            await execute(world, f"VACUUM INTO '{tmp_path}/clear.db'")

    asyncio.run(people())
    content = (tmp_path / "backup.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(content[: len(content) // 2])

    good, clear, cut = [command("backup", "verify", f"{tmp_path}/{name}.db") for name in ("backup", "clear", "cut")]

    assert good.exit_code == 0, good.output
    assert "1 accounts, 1 with an authenticator" in line_of(good, "accounts")
    assert set(states_of(good).values()) == {"ok"}
    assert clear.exit_code == 1
    assert "the backup contains one of the configured keys" in line_of(clear, "plaintext")
    assert (cut.exit_code, cut.stderr.splitlines()[0]) == (1, "✗ The SQLite file is damaged or cut off.")
    assert (tmp_path / "backup.db").read_bytes() == content


def test_a_lost_key_of_the_embedded_database_is_reported_and_not_replaced(
    command: Focys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    command("users", "list")
    (tmp_path / "data" / "secret_key").unlink()

    result = command("backup", "verify", str(tmp_path / "data" / "focys.db"))

    assert (result.exit_code, result.stderr.splitlines()[0]) == (1, "✗ There is no key to decrypt a backup with.")
    assert not (tmp_path / "data" / "secret_key").exists()


def test_progress_is_shown_on_a_terminal(verify: Verify, postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trial, "err", Console(stderr=True, force_terminal=True, width=80))

    result = verify(pg_dump(postgres_url))

    assert "Restoring" in result.stderr
