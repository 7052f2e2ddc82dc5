"""A running server of our own: Debian's systemd as its first process, in namespaces that have no way out.

Nothing in it is a stand-in; what it shares with its host is the kernel.
"""

import contextlib
import os
import re
import selectors
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from tests.cluster import children_of
from tests.deploy.server.image import HERE, Image, ImageError
from tests.deploy.server.walk import Ran

BOOT_SECONDS = 60
BLOCK_SECONDS = 180
FOLLOW_SECONDS = 2
# What a person has after logging in as root.
SHELL = {
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}
# A block finds the shell as the one before has left it: folder, umask, exported variables.
RESUME = """
[ ! -f /run/shell ] || . /run/shell
trap '{ export -p; umask -p; printf "cd %q\\n" "$PWD"; } > /run/shell' EXIT
"""
_ENDLESS = re.compile(r"journalctl [^|\n]*(-f\b|--follow\b)|tail -[fF]\b")


class Machine:
    """A server that is up; *init* is its first process, as the host sees it."""

    def __init__(self, init: int) -> None:
        self._init = init
        self.root = Path(f"/proc/{init}/root")

    def enter(self, *command: str, filesystem: bool = True) -> list[str]:
        """Return the command that runs another one in the server; or, on the host's files, in its network only."""
        if not filesystem:
            return ["nsenter", f"--net=/proc/{self._init}/ns/net", *command]
        settings = [f"{name}={value}" for name, value in SHELL.items()]
        return ["nsenter", f"--target={self._init}", "--all", "--root", "--wd", "env", "-i", *settings, *command]

    def run(self, commands: str, answers: Mapping[str, str] | None = None) -> Ran:
        """Run a block as its reader would, at a terminal; *answers* is what they type at which question.

        A block that follows a log has done its work when it still runs after a while.
        """
        started = time.monotonic()
        follows = _ENDLESS.search(commands) is not None
        ours, theirs = os.openpty()
        # Only the keyboard is a terminal: the output is read as a script would read it, without pages and colors.
        command = [
            "setsid",
            "--ctty",
            "--wait",
            *self.enter("bash", "-euo", "pipefail", "-c", f"cd\n{RESUME}\n{commands}"),
        ]
        with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            os.close(theirs)
            try:
                output = _watched(process, ours, answers or {}, FOLLOW_SECONDS if follows else BLOCK_SECONDS)
                code = process.poll()
                if code is None:
                    output += "" if follows else f"\n[not over after {BLOCK_SECONDS} s]"
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                os.close(ours)
        ended = code if code is not None else (0 if follows else 124)
        return Ran(ended, output, time.monotonic() - started)

    def is_up(self) -> bool:
        """Whether everything that starts at boot has started."""
        asked = subprocess.run(
            self.enter("systemctl", "is-system-running"), capture_output=True, text=True, check=False
        )
        return asked.stdout.strip() in {"running", "degraded"}


@contextlib.contextmanager
def running_machine(image: Image) -> Iterator[Machine]:
    """Have a server run for as long as the block lasts; nothing that happens in it outlives it."""
    with tempfile.TemporaryDirectory(prefix="focys-server-") as work, _control_group() as group:
        layers = f"{image.supplies}/layer:{image.base}/root"
        into = f'echo $$ > {shlex.quote(str(group))}/cgroup.procs && exec "$@"'
        apart = ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child"]
        # It ends with the process that asked for it, however that ends.
        command = ["setpriv", "--pdeathsig=KILL", *apart, "bash", str(HERE / "boot.sh"), work, layers]
        with (
            tempfile.TemporaryFile("w+") as words,
            subprocess.Popen(["bash", "-c", into, "bash", *command], stdout=words, stderr=words) as process,
        ):
            try:
                yield _booted(process, words)
            finally:
                process.kill()


def _booted(process: subprocess.Popen[bytes], words: IO[str]) -> Machine:
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for child in children_of(process.pid):
            name = Path(f"/proc/{child}/comm")
            if name.exists() and name.read_text() == "systemd\n" and (machine := Machine(child)).is_up():
                return machine
        time.sleep(0.1)
    words.seek(0)
    raise ImageError(f"The server did not come up: it needs root, namespaces and overlayfs. {words.read()[-2000:]}")


@contextlib.contextmanager
def _control_group() -> Iterator[Path]:
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    places = [Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"]
    if not places:
        raise ImageError("The server needs control groups of version 2 (cgroup2), and none are mounted here.")
    group = places[0] / f"focys-server-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as fault:
        raise ImageError(f"The server needs a control group of its own below {places[0]}: {fault}.") from None
    try:
        yield group
    finally:
        for folder in sorted(filter(Path.is_dir, group.rglob("*")), reverse=True):
            _removed(folder)
        _removed(group)


def _removed(group: Path) -> None:
    # The last processes of the server are still leaving it.
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.05)


def _watched(process: subprocess.Popen[bytes], terminal: int, answers: Mapping[str, str], seconds: float) -> str:
    """Return what the process printed, having typed the answers, until it ends or the time is over."""
    printed = asked = b""
    is_asking = False
    deadline = time.monotonic() + seconds
    assert process.stdout is not None
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        ready.register(terminal, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            is_over = process.poll() is not None
            events = ready.select(timeout=0 if is_over else 0.1)
            if is_over and not events:
                break
            for key, _ in events:
                chunk = _read(key.fd)
                if not chunk:
                    ready.unregister(key.fileobj)
                asked += chunk
                # The question may stand in the output; who asks for a password says something at the terminal, too.
                is_asking = is_asking or (key.fd == terminal and chunk.strip(b"\r\n") != b"")
                printed += chunk if key.fd != terminal else b""
            answer = next((word for question, word in answers.items() if question.encode() in asked), None)
            if is_asking and answer is not None:
                is_asking, asked = False, b""
                os.write(terminal, f"{answer}\n".encode())
    return printed.decode(errors="replace")


def _read(source: int) -> bytes:
    try:
        return os.read(source, 65536)
    except OSError:  # nobody has the terminal open any more
        return b""
