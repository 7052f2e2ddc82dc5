"""The unit: systemd finds nothing to say about it, it is hardened, and the service works as it starts and confines it."""

import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import SECRET_KEY
from tests.deploy.shipped import DEPLOY, UNIT, replaced, unit_command, unit_environment, unit_values
from tests.deploy.units import allowed_calls, systemd_analyze
from tests.deploy.walls import confinement, listening, read_only_but_for
from tests.support.processes import PROGRAMS, Server, copy_backend, environment, free_port, serving
from tests.support.service import PASSWORD


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with programs and folders that exist here."""
    changes = {"/app/venv/bin/gunicorn": f"{PROGRAMS}/gunicorn", "/app/backend": str(tmp_path)}
    copy = tmp_path / UNIT.name
    copy.write_text(replaced(UNIT, changes))
    return copy


def test_systemd_accepts_the_unit(unit: Path):
    # An unknown key is only a line of text and no failure for it.
    found = systemd_analyze("verify", "--man=no", unit)

    assert found.stdout + found.stderr == ""
    assert found.returncode == 0


def test_the_unit_is_well_confined(unit: Path):
    """CFG-11: 2.0 on systemd's scale from 0 to 10."""
    found = systemd_analyze("security", "--offline=true", "--threshold=20", "--no-pager", unit)

    assert found.returncode == 0, found.stdout


def test_the_unit_listens_on_loopback_only():
    assert re.findall(r"--bind (\S+)", unit_values("ExecStart")[0]) == ["127.0.0.1:8000"]


@pytest.fixture
def notices(tmp_path: Path) -> Iterator[socket.socket]:
    """Where systemd would listen for the service to say that it is ready."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(60)
        yield listening


def test_the_service_starts_reloads_and_stops_under_the_units_confinement(
    postgres_url: str, tmp_path: Path, notices: socket.socket
):
    """CFG-02, CFG-11: the unit's system calls only, no memory that becomes executable, nothing to write but its own."""
    calls = tmp_path / "calls"
    calls.write_text("\n".join(allowed_calls(UNIT)))
    backend, port = copy_backend(tmp_path), free_port()
    settings = {**unit_environment(tmp_path), "DATABASE_URL": postgres_url, "SECRET_KEY": SECRET_KEY}
    env = environment(backend, **settings, NOTIFY_SOCKET=notices.getsockname())
    confined = [sys.executable, str(Path(__file__).parent / "confined.py"), str(calls)]
    walls = read_only_but_for(tmp_path, (tmp_path / name for name in ("run", "var/lib", "var/log")))
    command = f"{shlex.join([*walls, *confined])} {unit_command(tmp_path, port=port)}"
    server = Server(command, port=port, folder=backend, env=env, log=tmp_path / "output")

    with serving(server):
        assert b"READY=1" in notices.recv(4096)
        body = {"email": "nobody@example.com", "password": PASSWORD}
        assert httpx.post(f"{server.url}/auth/login", json=body).json()["code"] == "invalid_credentials"
        assert "focys_argon2_seconds_count" in httpx.get(f"{server.url}/metrics").text
        found = [confinement(process) for process in (server.pid, *server.children())]
        addresses = set().union(*(listening(process) for process in (server.pid, *server.children())))
        server.reload()
        server.wait()
        assert server.stop() == 0

    assert found == [{"NoNewPrivs": "1", "Seccomp": "2"}] * 5
    assert addresses == {("127.0.0.1", port)}
    assert "Handling signal: hup" in server.output()
    assert not re.search("Traceback|Operation not permitted|Read-only file system", server.output())
    assert (tmp_path / "var/log/focys/backend.log").exists()


def test_the_unit_cannot_write_outside_its_folders(tmp_path: Path):
    writable = tmp_path / "own"
    writable.mkdir()
    walls = read_only_but_for(tmp_path, [writable])

    def touch(place: Path) -> str:
        return subprocess.run([*walls, "touch", str(place)], capture_output=True, text=True, check=False).stderr

    assert touch(writable / "file") == ""
    assert "Read-only file system" in touch(tmp_path / "file")
    assert "Read-only file system" in touch(UNIT)


def test_a_system_call_outside_the_list_is_refused(tmp_path: Path):
    calls = tmp_path / "calls"
    calls.write_text("\n".join(allowed_calls(UNIT)))
    confined = [sys.executable, str(Path(__file__).parent / "confined.py"), str(calls), sys.executable, "-c"]

    def run(code: str) -> str:
        return subprocess.run([*confined, code], capture_output=True, text=True, check=False).stderr

    assert run("import socket") == ""
    assert "Operation not permitted" in run("import os; os.setpriority(os.PRIO_PROCESS, 0, 1)")
    assert "Operation not permitted" in run("import os; os.chown('/', 1, 1)")
    assert "Permission denied" in run("import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)")


@pytest.mark.parametrize("setting", ["DATABASE_URL_FILE", "_FOCYS_COMPLETE"])
def test_the_command_line_has_what_the_unit_sets_as_systemd_quotes_it(tmp_path: Path, setting: str):
    """The line is what systemd 252 shows for a unit with such values; either setting keeps the user."""
    shown = (
        r'PATH=/bin "A=two words" "B=c\"d \$HOME \`id\` \\x" "C=it' + r"""'s" "D=e;f*g" PROMETHEUS_MULTIPROC_DIR=/x"""
    )
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, script in {"systemctl": 'printf "%s\\n" "$SHOWN"', "python": 'env; printf "<%s>" "$@"'}.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    changes = {"/app/venv/bin/python": str(programs / "python"), "/app/backend": str(tmp_path)}
    wrapper = tmp_path / "focys"
    wrapper.write_text(replaced(DEPLOY / "bin" / "focys", changes))
    settings = {"PATH": f"{programs}:/usr/bin:/bin", "SHOWN": shown, setting: "/etc/focys/owner"}

    ran = subprocess.run(
        ["sh", str(wrapper), "users", "create", "a b $HOME"], env=settings, capture_output=True, text=True, check=True
    )

    lines = ran.stdout.splitlines()
    assert {"A=two words", r'B=c"d $HOME `id` \x', "C=it's", "D=e;f*g"} <= set(lines)
    assert "PROMETHEUS_MULTIPROC_DIR" not in ran.stdout.replace(shown, "")
    assert ran.stdout.endswith("<users><create><a b $HOME>")
    assert ran.stderr == ""
