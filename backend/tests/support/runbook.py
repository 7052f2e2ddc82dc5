"""A server that was set up by the documents, as a folder: the runbook's blocks run on it as they stand."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import SECRET_KEY
from tests.deploy.shipped import ROOT
from tests.support.guide import postgres_environment
from tests.support.processes import Server, environment, free_port, run
from tests.support.versions import GIT_ENVIRONMENT, Versions

PLACES = ("/app", "/etc/focys", "/var/backups/focys", "/var/log/focys")
SYSTEMCTL = """\
#!/bin/sh
# What systemd would do: one gunicorn, which is ready when start returns and gone when stop does.
pid=$(cat {root}/pid 2>/dev/null)
stop() {{
    [ -n "$pid" ] && kill "$pid" 2>/dev/null
    while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -f {root}/pid
}}
start() {{
    cd {root}/app/backend
    setsid gunicorn -w 2 -k uvicorn.workers.UvicornWorker --bind 127.0.0.1:{port} --pid {root}/pid main:app \\
        >>{root}/output 2>&1 </dev/null &
    for _ in $(seq 400); do
        curl -fsS -o /dev/null http://127.0.0.1:{port}/health/ready 2>/dev/null && return
        sleep 0.1
    done
    exit 1
}}
case "$1" in
    is-active) shift; for unit; do echo active; done ;;
    start) start ;;
    stop) stop ;;
    restart) stop; start ;;
esac
"""
SUDO = '#!/bin/sh\n[ "$1" = -u ] && shift 2\nexec "$@"\n'
PIP = "#!/bin/sh\nexit 0\n"


class Machine:
    """Folders in the place of the system's, and programs in the place of those that need root."""

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.name, self.port = root, url.rpartition("/")[2], free_port()
        self.origin = Versions(root / "origin")
        (self.origin.folder / "deploy" / "postgres").mkdir(parents=True)
        grants = (ROOT / "deploy" / "postgres" / "grants.sql").read_text()
        (self.origin.folder / "deploy" / "postgres" / "grants.sql").write_text(grants)
        self.origin.git("add --all")
        self.origin.git("commit --quiet --message 'the grants'")
        self.origin.git(f"clone --quiet {self.origin.folder} {self.app}")
        for name in ("etc/focys", "var/log/focys", "app/venv/bin", "bin"):
            (root / name).mkdir(parents=True, exist_ok=True)
        for file in ("database_url", "owner_database_url"):
            (root / "etc" / "focys" / file).write_text(url)
        (root / "etc" / "focys" / "secret_key").write_text(SECRET_KEY)
        settings = f"DATABASE_URL_FILE={root}/etc/focys/database_url\nSECRET_KEY_FILE={root}/etc/focys/secret_key\n"
        settings += f"LOG_FILE={root}/var/log/focys/backend.log\n"
        (self.backend / ".env").write_text(settings)
        self._put("bin/systemctl", SYSTEMCTL.format(root=root, port=self.port))
        self._put("bin/sudo", SUDO)
        self._put("app/venv/bin/pip", PIP)
        (self.app / "venv" / "bin" / "alembic").symlink_to(Path(sys.executable).parent / "alembic")
        env = {**environment(self.backend), **GIT_ENVIRONMENT}
        env |= {k: v for k, v in postgres_environment(url).items() if k.startswith("PG") or k == "PATH"}
        self.env = {**env, "PATH": f"{root}/bin:{env['PATH']}"}

    @property
    def app(self) -> Path:
        return self.root / "app"

    @property
    def backend(self) -> Path:
        return self.app / "backend"

    @property
    def server(self) -> Server:
        """The service as a test may ask it; systemctl starts and stops it."""
        return Server("", port=self.port, folder=self.backend, env=self.env, log=self.root / "output")

    def run(self, commands: str, *, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a block as it stands, on this machine's folders, port and database; it ends at the first failure."""
        for place in PLACES:
            commands = commands.replace(place, f"{self.root}{place}")
        commands = commands.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}").replace("focys_db", self.name)
        return run(["bash", "-eu", "-c", commands], folder=self.backend, env=self.env, typed=typed)

    def done(self, commands: str, *, typed: str = "") -> str:
        """Run a block that has to succeed, and return what it printed."""
        result = self.run(commands, typed=typed)
        assert result.returncode == 0, f"{commands}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def _put(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)
        (self.root / name).chmod(0o755)


@contextmanager
def a_machine(root: Path, url: str) -> Iterator[Machine]:
    """A machine whose service is gone at the end."""
    machine = Machine(root, url)
    try:
        yield machine
    finally:
        with suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.killpg(int((root / "pid").read_text()), signal.SIGKILL)
