"""Serve the API with uvicorn and the pages with Vite until Ctrl-C, both with reload on save."""

import signal
import subprocess
import sys
import time
from types import FrameType

from places import BACKEND, FRONTEND, NODE_BIN, VENV_BIN

API = [str(VENV_BIN / "uvicorn"), "main:app", "--reload", "--port", "8000"]
PAGES = [str(NODE_BIN / "vite")]
GRACE_SECONDS = 5.0


def main() -> int:
    """Prepare the database, serve until one server ends or we are told to stop."""
    # Demo accounts exist in the embedded database only; another one is just brought up to date.
    if not (_focys("demo") or _focys("migrate")):
        return 1
    signal.signal(signal.SIGTERM, _stop)
    servers = [subprocess.Popen(API, cwd=BACKEND), subprocess.Popen(PAGES, cwd=FRONTEND)]
    print("\nPages on http://localhost:5173, API on http://localhost:8000. Ctrl-C stops both.\n", flush=True)
    try:
        while all(server.poll() is None for server in servers):
            time.sleep(0.2)
    except KeyboardInterrupt:
        return 0
    finally:
        _end(servers)
    return 1  # one of them ended by itself and has said why


def _focys(command: str) -> bool:
    return subprocess.run([VENV_BIN / "focys", command], cwd=BACKEND, check=False).returncode == 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(servers: list[subprocess.Popen[bytes]]) -> None:
    for server in servers:
        if server.poll() is None:
            server.terminate()
    for server in servers:
        try:
            server.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()


if __name__ == "__main__":
    sys.exit(main())
