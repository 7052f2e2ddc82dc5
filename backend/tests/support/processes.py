"""Programs started for a test: commands that end by themselves, and servers that are always stopped."""

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.cluster import children_of

BACKEND = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
START_SECONDS = 90
STOP_SECONDS = 60
COMMAND_SECONDS = 110


def copy_backend(folder: Path) -> Path:
    """Copy what git knows of the backend, without its tests and anybody's settings, and return the copy's folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]
    listed = subprocess.run(command, cwd=BACKEND, capture_output=True, text=True, check=True).stdout
    copy = folder / "backend"
    for name in filter(None, listed.split("\0")):
        source, target = BACKEND / name, copy / name
        if source.is_file() and not name.startswith("tests/"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return copy


def environment(backend: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a program that is to use the copy in *backend*, with our programs first on its path."""
    path = os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(backend), "COLUMNS": "200", **settings}


def run(
    command: str | list[str], *, folder: Path, env: dict[str, str], typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in *folder*; a string goes to the shell as it stands."""
    return subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env=env,
        input=typed,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server process of our own: its port, what it has printed, and its life in our hands."""

    def __init__(self, command: str, *, port: int, folder: Path, env: dict[str, str], log: Path) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self._command, self._folder, self._env, self._log = shlex.split(command), folder, env, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; ``wait`` returns once it serves."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self, path: str = "/health/ready") -> None:
        """Return when the server answers *path* with 200."""
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(path):
            assert self._process.poll() is None, f"the server ended: {self.output()[-2000:]}"
            assert time.monotonic() < deadline, f"the server does not respond: {self.output()[-2000:]}"
            time.sleep(0.05)

    def stop(self) -> int | None:
        """Ask the server to end, as systemd would, and return its exit code; nothing of it is left behind."""
        return self._end(signal.SIGTERM)

    def interrupt(self) -> int | None:
        """Press Ctrl-C and return the exit code."""
        return self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server as a crash would."""
        self._end(signal.SIGKILL)

    def reload(self) -> None:
        """Ask the server to take its code and settings again, as ``systemctl reload`` would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def wait_for_end(self) -> None:
        """Return when the process has ended, by itself or otherwise."""
        assert self._process is not None
        self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def children(self) -> list[int]:
        """The processes it has started, such as its workers."""
        return children_of(self.pid)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside it, with its settings."""
        return run(list(command), folder=self._folder, env=self._env)

    def output(self) -> str:
        """Everything it has printed."""
        return self._log.read_text(errors="replace")

    def line_with(self, words: str) -> str:
        """The newest line of its output with these words, as soon as it is printed."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            found = [line for line in self.output().splitlines() if words in line]
            if found:
                return found[-1]
            assert time.monotonic() < deadline, f"no such line: {self.output()[-2000:]}"
            time.sleep(0.02)

    def _end(self, number: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(timeout=STOP_SECONDS)
        finally:
            # Its children, and itself if it did not listen; the process group is its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=STOP_SECONDS)

    def _answers(self, path: str) -> bool:
        try:
            return httpx.get(self.url + path, timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@contextlib.contextmanager
def serving(*servers: Server, path: str = "/health/ready") -> Iterator[None]:
    """Have servers serve together for as long as the block lasts."""
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait(path)
        yield
    finally:
        for server in servers:
            server.stop()
