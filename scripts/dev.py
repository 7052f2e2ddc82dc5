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
    parser.add_argument("--port", default="8000", help="the port of the API")
    port = parser.parse_args().port
    # Demo accounts exist in the embedded database only; another one is just brought up to date.
    is_demo = _focys("demo")
    if not (is_demo or _focys("migrate")):
        return 1
    signal.signal(signal.SIGTERM, _stop)
    servers = [_serve_api(port), _serve_pages(port, is_demo=is_demo)]
    print(f"\nPages on http://localhost:5173, API on http://localhost:{port}. Ctrl-C stops both.\n", flush=True)
    try:
        while all(server.poll() is None for server in servers):
            time.sleep(0.2)
    except KeyboardInterrupt:
        return 0
    finally:
        _end(servers)
    return 1  # one of them ended by itself and has said why


def _serve_api(port: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([VENV_BIN / "uvicorn", "main:app", "--reload", "--port", port], cwd=BACKEND)


def _serve_pages(api_port: str, *, is_demo: bool) -> subprocess.Popen[bytes]:
    mode = ["--mode", "demo"] if is_demo else []
    environment = {**os.environ, "FOCYS_API": f"http://localhost:{api_port}"}
    return subprocess.Popen([NODE_BIN / "vite", *mode], cwd=FRONTEND, env=environment)


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
