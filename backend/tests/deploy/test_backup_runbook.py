"""The runbook's sections on backups and keys, block by block, on real PostgreSQL with the real service.

What needs a whole machine is a small program on the path: sudo, systemctl, apt-get, and who owns a file.
"""

import os
import re
import subprocess
import sys
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cluster import Cluster, running_postgres
from tests.conftest import SECRET_KEY, world_on
from tests.deploy.shipped import DEPLOY, ROOT
from tests.support.attempts import use_backup_code
from tests.support.clock import FrozenClock
from tests.support.dumps import of_postgres
from tests.support.processes import PROGRAMS, copy_backend, environment, free_port
from tests.support.roles import SCRIPTS
from tests.support.service import World

STAND_INS = {
    "apt-get": "exit 0",
    "systemd-tmpfiles": "exit 0",
    "sudo": 'shift 2; exec "$@"',
    "chown": "exit 0",
    # Without -o and -g, whose users are not here.
    "install": 'kept=(); while [ $# -gt 0 ]; do case "$1" in -o|-g) shift 2;; *) kept+=("$1"); shift;; esac; done\n'
    'exec /usr/bin/install "${kept[@]}"',
    "focys": f"exec {sys.executable} -c 'from focys.cli import main; main()' \"$@\"",
    "systemctl": """
case "$1 ${2:-}" in
    "stop focys-backend"|"restart focys-backend")
        if [ -e "$MACHINE/pid" ]; then kill "$(cat "$MACHINE/pid")"; tail --pid="$(cat "$MACHINE/pid")" -f /dev/null; fi
        rm -f "$MACHINE/pid" ;;
esac
case "$1 ${2:-}" in
    "start focys-backend"|"restart focys-backend")
        cd "$MACHINE/app/backend"
        setsid "$PROGRAMS/uvicorn" main:app --port "$PORT" > "$MACHINE/output" 2>&1 < /dev/null &
        echo $! > "$MACHINE/pid"
        for _ in $(seq 400); do
            kill -0 "$(cat "$MACHINE/pid")" || { cat "$MACHINE/output" >&2; exit 1; }
            curl -fs -o /dev/null "http://127.0.0.1:$PORT/health/ready" && exit 0
            sleep 0.1
        done
        exit 1 ;;
    "start focys-backup")
        mkdir -p "$MACHINE/credentials" && cp "$MACHINE/etc/focys/backup_passphrase" "$MACHINE/credentials/passphrase"
        CREDENTIALS_DIRECTORY=$MACHINE/credentials DATABASE=focys_db KEEP_DAYS=14 FOLDER=$MACHINE/var/backups/focys \\
            exec "$MACHINE/app/deploy/bin/focys-backup" ;;
    *) exit 0 ;;
esac
""",
}
PATHS = ("/etc/focys", "/etc/systemd", "/var/backups", "/var/log/focys", "/app/backend", "/app/deploy")


@dataclass
class Machine:
    """A folder with what the documents name, and the blocks of one section of the runbook."""

    folder: Path
    cluster: Cluster
    env: dict[str, str]
    port: int

    @property
    def url(self) -> str:
        return (self.folder / "etc/focys/database_url").read_text().strip()

    @property
    def key(self) -> str:
        return (self.folder / "etc/focys/secret_key").read_text().strip()

    def follow(self, heading: str, *blocks: int) -> str:
        """Run the blocks below a heading, all of them or those asked for, as root would, and return what they print."""
        text = (ROOT / "docs" / "RUNBOOK.md").read_text()
        section = re.split(r"^##+ ", text.split(f"### {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
        found = re.findall(r"^```bash\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
        assert found, heading
        return "".join(self.run(found[i]) for i in (blocks or range(len(found))))

    def run(self, block: str) -> str:
        for path in PATHS:
            block = re.sub(rf"(?<![\w/]){path}", f"{self.folder}{path}", block)
        place = f"@127.0.0.1:{urlsplit(self.cluster.url).port}/"
        changes = {"/app/venv/bin": str(PROGRAMS), "@localhost/": place, "127.0.0.1:8000": f"127.0.0.1:{self.port}"}
        for old, new in changes.items():
            block = block.replace(old, new)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        return done.stdout

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        """The service's own database, with the key it has now."""
        async with world_on(self.url, clock=FrozenClock(datetime.now(UTC)), secret_key=self.key) as world:
            yield world


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine as the deployment's document leaves it, with the service running."""
    monkeypatch.setattr("tests.cluster.USER", "postgres")
    with running_postgres(own=True) as cluster:
        folder, port = tmp_path / "machine", free_port()
        app = folder / "app"
        for place in ("etc/focys", "etc/systemd/system", "var/backups", "var/log/focys", "app", "gnupg", "bin"):
            (folder / place).mkdir(parents=True, mode=0o700)
        backend = copy_backend(app)
        (app / "deploy").symlink_to(DEPLOY)
        for name, script in STAND_INS.items():
            (folder / "bin" / name).write_text(f"#!/bin/bash\n{script}\n")
            (folder / "bin" / name).chmod(0o755)
        reached = of_postgres(cluster.url)
        path = os.pathsep.join([str(folder / "bin"), reached["PATH"]])
        ours = {
            "MACHINE": str(folder),
            "PROGRAMS": str(PROGRAMS),
            "PORT": str(port),
            "GNUPGHOME": str(folder / "gnupg"),
            "SETTINGS": str(folder / "etc/focys"),
            "FOLDER": str(folder / "var/backups/focys"),
            "SERVER": f"127.0.0.1:{reached['PGPORT']}",
        }
        env = {**reached, **environment(backend), **ours, "PATH": path}
        found = Machine(folder, cluster, env, port)
        _install(found, reached["PGPORT"])
        found.run("systemctl start focys-backend")
        try:
            yield found
        finally:
            found.run("systemctl stop focys-backend")


def _install(machine: Machine, server: str) -> None:
    etc = machine.folder / "etc/focys"
    (etc / "database_url").write_text(f"postgresql://focys:service-password@127.0.0.1:{server}/focys_db\n")
    (etc / "owner_database_url").write_text(f"postgresql://focys_owner:owner-password@127.0.0.1:{server}/focys_db\n")
    (etc / "secret_key").write_text(f"{SECRET_KEY}\n")
    settings = f"DATABASE_URL_FILE={etc}/database_url\nSECRET_KEY_FILE={etc}/secret_key\n"
    settings += f"PUBLIC_URL=http://localhost:{machine.port}\nLOG_FILE={machine.folder}/var/log/focys/backend.log\n"
    (etc / "focys.env").write_text(settings)
    (machine.folder / "app/backend/.env").symlink_to(etc / "focys.env")
    passwords = "-v owner_password=owner-password -v app_password=service-password"
    machine.run(f"psql --quiet {passwords} -f {SCRIPTS}/roles.sql postgres")
    machine.run("cd /app/backend; DATABASE_URL_FILE=/etc/focys/owner_database_url /app/venv/bin/alembic upgrade head")


async def test_backup_verification_and_restore_follow_the_runbook(machine: Machine):
    async with machine.world() as world:
        alice = await world.an_account(enrolled=True)
    await to_thread(machine.follow, "Every night")
    tried = await to_thread(machine.follow, "Try a backup before it is needed")
    async with machine.world() as world:
        browser = world.a_browser()
        assert (await use_backup_code(await world.at_second_factor(alice, browser), alice.backup_codes[0])).is_success
        await world.an_account("too-late@student.com")
        token = (await browser.post("/auth/refresh")).json()["access_token"]

    restored = await to_thread(machine.follow, "Restore")

    backups = sorted((machine.folder / "var/backups/focys").iterdir())
    assert sorted(path.suffix for path in backups) == [".gpg", ".sql"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in backups)
    assert str(alice.secret).encode() not in backups[0].read_bytes() + backups[1].read_bytes()
    assert "All 7 checks passed." in tried
    assert "removed 10 backup codes" in restored
    assert '{"status":' in restored
    databases = await to_thread(machine.run, "psql -At -c 'SELECT datname FROM pg_database' postgres")
    assert set(databases.split()) == {"postgres", "template0", "template1", "focys_db"}
    rights = await to_thread(machine.run, "psql -At -c '\\dp audit_events' focys_db")
    assert "focys=ar/focys_owner" in rights
    roles = await to_thread(machine.run, "psql -At -c 'SELECT rolname FROM pg_roles' postgres")
    assert "focys_verify" not in roles
    assert not list((machine.folder / "etc/focys").glob("tmp*"))
    async with machine.world() as world:
        world.clock.advance(seconds=90)
        assert (await world.a_browser().me(token)).status_code == 401
        response = await (await world.at_second_factor(alice)).offer(alice.code(world.clock))
        assert len(response.json()["backup_codes"]) == 10
        late = await world.a_browser().post(
            "/auth/login", {"email": "too-late@student.com", "password": alice.password}
        )
        assert late.json()["code"] == "invalid_credentials"


async def test_new_leaked_and_lost_keys_follow_the_runbook(machine: Machine):
    async with machine.world() as world:
        alice = await world.an_account(enrolled=True)
    first = machine.key

    rotated = await to_thread(machine.follow, "A new key", 0, 0)
    both = (machine.folder / "etc/focys/secret_key_fallbacks").read_text().strip()
    leaked = await to_thread(machine.follow, "A key that leaked")
    again = await to_thread(machine.follow, "A new key", 1)

    assert "Moved 1 secret to the newest key." in rotated
    assert "There is a new key already" in rotated
    assert both == first != machine.key
    assert leaked.startswith("✓ Deleted the old key.")
    assert "✓ Ended 1 session." in leaked
    assert again.startswith("✓ There is no old key.")
    async with machine.world() as world:
        world.clock.advance(seconds=90)
        await world.signed_in(alice)
    second = machine.key
    lost = await to_thread(machine.follow, "A key that is lost")
    assert machine.key not in {first, second}
    assert '{"status":' in lost
    async with machine.world() as world:
        await world.enroll(alice, world.a_browser())
