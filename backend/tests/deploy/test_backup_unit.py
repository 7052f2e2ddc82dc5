"""The nightly backup: as its unit confines it, encrypted, whole or not there, and the old ones go."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import settings_for, world_on
from tests.deploy.prometheus import leave_what_the_backup_leaves
from tests.deploy.shipped import DEPLOY, replaced, unit_values
from tests.deploy.units import allowed_calls, systemd_analyze
from tests.support.dumps import of_postgres, pg_dump
from tests.support.rows import execute

SERVICE = DEPLOY / "systemd" / "focys-backup.service"
TIMER = DEPLOY / "systemd" / "focys-backup.timer"
PASSPHRASE = "a passphrase that stands in a file of root's"


@dataclass
class Night:
    """What the unit's command is given, and where its backups go."""

    folder: Path
    environment: dict[str, str]
    run: Callable[..., subprocess.CompletedProcess[str]]

    def backups(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def decrypted(self, backup: Path, passphrase: str = PASSPHRASE) -> subprocess.CompletedProcess[bytes]:
        command = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--decrypt"]
        return subprocess.run(
            [*command, str(backup)], env=self.environment, input=passphrase.encode(), capture_output=True, check=False
        )


@pytest.fixture
def night(postgres_url: str, tmp_path: Path) -> Night:
    """The unit's command with its own environment and system calls; only paths and the database are the test's."""
    folder, home, credentials = (tmp_path / name for name in ("backups", "gnupg", "credentials"))
    for place in (folder, home, credentials):
        place.mkdir(mode=0o700)
    (credentials / "passphrase").write_text(f"{PASSPHRASE}\n")
    calls = tmp_path / "calls"
    calls.write_text("\n".join(allowed_calls(SERVICE)))
    given = dict(line.split("=", 1) for line in unit_values("Environment", SERVICE))
    assert set(given) == {"DATABASE", "FOLDER", "KEEP_DAYS", "GNUPGHOME"}
    ours = {"FOLDER": str(folder), "GNUPGHOME": str(home), "CREDENTIALS_DIRECTORY": str(credentials)}
    reached = of_postgres(postgres_url)
    environment = {**reached, **given, **ours, "DATABASE": reached["PGDATABASE"]}
    (command,) = unit_values("ExecStart", SERVICE)
    confined = [sys.executable, str(Path(__file__).parent / "confined.py"), str(calls)]

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*confined, command.replace("/app/deploy", str(DEPLOY))],
            env={**environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )

    return Night(folder, environment, run)


def test_systemd_accepts_service_and_timer(tmp_path: Path):
    (tmp_path / SERVICE.name).write_text(replaced(SERVICE, {"/app/deploy": str(DEPLOY)}))
    (tmp_path / TIMER.name).write_text(TIMER.read_text())

    found = systemd_analyze("verify", "--man=no", tmp_path / SERVICE.name, tmp_path / TIMER.name)

    assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_the_service_is_well_confined():
    found = systemd_analyze("security", "--offline=true", "--threshold=10", "--no-pager", SERVICE)

    assert found.returncode == 0, found.stdout


def test_the_backup_cannot_read_the_key_and_has_its_own_passphrase():
    """CRY-08: anyone who has the backups, or runs them, has no key."""
    assert unit_values("InaccessiblePaths", SERVICE) == ["-/etc/focys"]
    assert unit_values("User", SERVICE) == ["postgres"]
    assert unit_values("LoadCredential", SERVICE) == ["passphrase:/etc/focys/backup_passphrase"]
    assert unit_values("EnvironmentFile", SERVICE) == []


async def test_a_backup_is_encrypted_and_holds_no_plaintext_secrets(night: Night, postgres_url: str):
    async with world_on(postgres_url) as world:
        account = await world.an_account(enrolled=True)
        await execute(world, "UPDATE users SET display_name = 'Canary Canaryson'")
    known = [b"Canary Canaryson", account.email.encode(), b"$argon2id$", b"CREATE TABLE"]
    secrets = [str(account.secret), *account.backup_codes, *settings_for(postgres_url).keys]

    done = night.run()
    [backup] = night.backups()
    encrypted, opened = backup.read_bytes(), night.decrypted(backup)

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"backup_\d{8}_\d{6}\.sql\.gpg", backup.name)
    assert backup.stat().st_mode & 0o077 == 0
    assert [text for text in (*known, *(s.encode() for s in secrets)) if text in encrypted] == []
    assert night.decrypted(backup, "another passphrase").returncode != 0
    assert opened.returncode == 0, opened.stderr
    assert [text for text in known if text not in opened.stdout] == []
    assert [text for text in secrets if text.encode() in opened.stdout] == []
    assert b"v1." in opened.stdout


def test_a_decrypted_backup_is_the_dump(night: Night, postgres_url: str):
    night.run()
    [backup] = night.backups()

    restored = night.decrypted(backup).stdout

    def rows(dump: bytes) -> list[bytes]:
        return [line for line in dump.splitlines() if not line.startswith(b"\\")]

    assert rows(restored) == rows(pg_dump(postgres_url))


@pytest.mark.parametrize("missing", ["database", "passphrase", "server"])
def test_a_failed_backup_leaves_no_partial_file_and_deletes_no_old_one(night: Night, missing: str):
    old = night.folder / "backup_20200101_000000.sql.gpg"
    old.touch()
    os.utime(old, (time.time() - 90 * 86400,) * 2)
    if missing == "passphrase":
        (Path(night.environment["CREDENTIALS_DIRECTORY"]) / "passphrase").unlink()

    done = night.run(**{"database": {"DATABASE": "nowhere"}, "server": {"PGPORT": "1"}}.get(missing, {}))

    assert done.returncode != 0
    assert done.stderr != ""
    assert night.backups() == [old]


def test_backups_are_kept_for_as_long_as_the_unit_says(night: Night):
    kept, gone, other = (night.folder / f"backup_{n}.sql{e}" for n, e in ((1, ".gpg"), (2, ".gpg"), (3, "")))
    for backup, days in ((kept, 13.5), (gone, 15.5), (other, 99)):
        backup.touch()
        os.utime(backup, (time.time() - days * 86400,) * 2)

    assert night.run().returncode == 0

    assert {path.name for path in night.backups()} >= {kept.name, other.name}
    assert not gone.exists()
    assert len(night.backups()) == 3


def test_no_passphrase_is_passed_on_the_command_line():
    script = (DEPLOY / "bin" / "focys-backup").read_text()

    assert "--passphrase-file" in script
    assert not re.search(r"--passphrase[ =]", script)


def test_the_metrics_file_written_by_root_follows_no_symlink(tmp_path: Path):
    """CFG-06: the folder may belong to somebody who is not root."""
    node, victim = tmp_path / "node", tmp_path / "victim"
    node.mkdir()
    victim.write_text("as it was")
    (node / ".focys").symlink_to(victim)

    leave_what_the_backup_leaves(node)

    assert victim.read_text() == "as it was"
    assert (node / "focys_backup.prom").read_text().startswith("focys_backup_last_success_timestamp_seconds ")
    assert (node / "focys_backup.prom").stat().st_mode & 0o777 == 0o644
