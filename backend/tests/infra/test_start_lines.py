"""However the service is started, TRUSTED_PROXIES alone decides whose forwarded headers count."""

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import SECRET_KEY
from tests.deploy.shipped import unit_command, unit_environment
from tests.support.processes import Server, copy_backend, environment, free_port, run, serving

# A proxy of ours calls from the first address; the second is this machine, which uvicorn believes unless told otherwise.
PROXY, LOCAL = "127.0.0.2", "127.0.0.1"
CLIENT = "203.0.113.9"

START_LINES = {
    "uvicorn": "uvicorn main:app --host 127.0.0.1 --port {port}",
    "gunicorn": "gunicorn -w 4 -k uvicorn.workers.UvicornWorker --bind 127.0.0.1:{port} main:app",
    "unit": "",
    "serve": "focys serve --port {port}",
}
CALLS = [
    (PROXY, ["X-Forwarded-For: 203.0.113.9"], CLIENT),
    (PROXY, ["X-Forwarded-For: 6.6.6.6, 203.0.113.9"], CLIENT),
    (PROXY, ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.9"], CLIENT),
    (PROXY, ["X-Forwarded-For: 203.0.113.9:4711"], CLIENT),
    (PROXY, ["X-Forwarded-For: [2001:db8::7]:4711"], "2001:db8::/64"),
    (PROXY, ["X-Forwarded-For: " + "6.6.6.6, " * 800 + CLIENT], CLIENT),
    (PROXY, ["X-Forwarded-For: nonsense"], PROXY),
    (PROXY, ["X-Forwarded-For:"], PROXY),
    (PROXY, ["Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9"], PROXY),
    (PROXY, [], PROXY),
    (LOCAL, ["X-Forwarded-For: 203.0.113.9"], LOCAL),
    (LOCAL, ["X-Forwarded-For: 203.0.113.9:4711"], LOCAL),
    (LOCAL, ["X-Forwarded-For: 203.0.113.9, ::1, 127.0.0.1"], LOCAL),
    (LOCAL, ["X-Forwarded-For: 203.0.113.9, 127.0.0.2"], LOCAL),
    (LOCAL, ["X-Forwarded-For: nonsense"], LOCAL),
    (LOCAL, ["Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9"], LOCAL),
    (LOCAL, [], LOCAL),
]


def sign_in_wrongly(server: Server, path: str, caller: str, headers: list[str], who: str) -> int:
    """Send a wrong password from a loopback address, with header lines as they stand; return the status."""
    body = json.dumps({"email": f"{who}@student.com", "password": "wrong"})
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: localhost:{server.port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=60, source_address=(caller, 0)) as connection:
        connection.sendall("\r\n".join([*lines, "", body]).encode())
        response = b""
        while chunk := connection.recv(65536):
            response += chunk
    return int(response.split()[1])


@pytest.mark.parametrize("name", START_LINES)
def test_the_start_command_does_not_affect_trusted_proxies(name: str, tmp_path: Path):
    backend, port = copy_backend(tmp_path), free_port()
    pages = backend.parent / "frontend" / "dist"
    pages.mkdir(parents=True)
    (pages / "index.html").touch()
    settings = {
        **(unit_environment(tmp_path) if name == "unit" else {}),
        "DATABASE_URL": f"sqlite:///{tmp_path}/focys.db",
        "SECRET_KEY": SECRET_KEY,
        "TRUSTED_PROXIES": PROXY,
    }
    env = environment(backend, **settings)
    migrated = run("alembic upgrade head", folder=backend, env=env)
    assert migrated.returncode == 0, migrated.stderr
    command = START_LINES[name].format(port=port) or unit_command(tmp_path, port=port)
    prefix = "/api" if name == "serve" else ""
    server = Server(command, port=port, folder=backend, env=env, log=tmp_path / "output")

    with serving(server, path=f"{prefix}/health/ready"):
        for number, (caller, headers, _) in enumerate(CALLS):
            assert sign_in_wrongly(server, f"{prefix}/auth/login", caller, headers, f"someone{number}") == 401
        folded = ["X-Forwarded-For: 6.6.6.6,", " 203.0.113.9"]
        status = sign_in_wrongly(server, f"{prefix}/auth/login", PROXY, folded, "folded")

    with closing(sqlite3.connect(tmp_path / "focys.db")) as database:
        sources = [row[0] for row in database.execute("SELECT source FROM audit_events ORDER BY rowid")]
    assert sources[: len(CALLS)] == [expected for *_, expected in CALLS]
    # A folded line (RFC 9112 section 5.2) is refused, or read as one.
    assert (status, sources[len(CALLS) :]) in [(400, []), (401, [CLIENT]), (401, [PROXY])]
