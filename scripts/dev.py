"""Serve the API with uvicorn and the pages with Vite until Ctrl-C, both with reload on save."""

import argparse
import os
import signal
import subprocess
import sys
import time
from types import FrameType

from places import BACKEND, FRONTEND, NODE_BIN, VENV_BIN

GRACE_SECONDS = 5.0


def main() -> int:
    """Prepare the database, serve until one server ends or we are told to stop."""
    parser = argparse.ArgumentParser(prog="dev.py")
    parser.add_argument("--port", default="8000")
    parser.add_argument("--pages-port", default="5173")
    asked = parser.parse_args()
    # Demo accounts exist in the embedded database only; another one is just brought up to date.
    is_demo = _focys("demo")
    if not (is_demo or _focys("migrate")):
        return 1
    signal.signal(signal.SIGTERM, _stop)
    pages, api = (f"http://localhost:{port}" for port in (asked.pages_port, asked.port))
    servers = [_serve_api(asked.port, pages), _serve_pages(asked.pages_port, api, is_demo=is_demo)]
    print(f"\nPages on {pages}, API on {api}. Ctrl-C stops both.\n", flush=True)
    try:
        while all(server.poll() is None for server in servers):
            time.sleep(0.2)
    except KeyboardInterrupt:
        return 0
    finally:
        _end(servers)
    return 1  # one of them ended by itself and has said why


def _serve_api(port: str, pages: str) -> subprocess.Popen[bytes]:
    command = [VENV_BIN / "uvicorn", "main:app", "--reload", "--port", port]
    return subprocess.Popen(command, cwd=BACKEND, env={"CORS_ORIGINS": pages, **os.environ})


def _serve_pages(port: str, api: str, *, is_demo: bool) -> subprocess.Popen[bytes]:
    mode = ["--mode", "demo"] if is_demo else []
    command = [NODE_BIN / "vite", "--port", port, *mode]
    return subprocess.Popen(command, cwd=FRONTEND, env={**os.environ, "FOCYS_API": api})


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
