"""What the doctor says of systemd, the public address, the settings files, and a database that accepts no writes."""

import socket
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from asyncpg import exceptions  # type: ignore[import-untyped]

from focys.cli.doctor import checks_database, checks_local, checks_network, checks_service
from focys.cli.doctor.checks_database import Names
from focys.cli.doctor.report import Finding, State
from focys.settings import Settings, names_read_differently
from tests.conftest import settings_for

OK, WARN, FAIL = State.OK, State.WARN, State.FAIL
RUNNING = {"ActiveState": "active", "UnitFileState": "enabled", "NeedDaemonReload": "no"}
NIGHTLY = {"LoadState": "loaded", "ActiveState": "active", "Result": "success"}
NAMES = Names("logins", "web")
TCP = "  sl  local_address rem_address st\n   0: {address}:1F40 00000000:0000 {state} 0\n"


def response(code: int, text: str = "", **body: object) -> httpx.Response:
    return httpx.Response(code, json=body) if body else httpx.Response(code, text=text)


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code})


JUDGED = [
    *(
        (checks_service.unit_finding({**RUNNING, **changed}), state, fix)
        for changed, state, fix in [
            ({}, OK, ""),
            ({"ActiveState": "inactive"}, FAIL, "systemctl restart focys-backend"),
            ({"ActiveState": "activating"}, FAIL, "journalctl"),
            ({"NeedDaemonReload": "yes"}, WARN, "systemctl daemon-reload && systemctl restart focys-backend"),
            ({"UnitFileState": "disabled"}, WARN, "systemctl enable focys-backend"),
        ]
    ),
    (checks_service.restart_finding(started=100.0, changed=100.5), OK, ""),
    (checks_service.restart_finding(started=100.0, changed=110.0), WARN, "systemctl restart"),
    *(
        (checks_service.backups_finding({**NIGHTLY, **changed}, timedelta(hours=hours)), state, fix)
        for changed, hours, state, fix in [
            ({}, 26, OK, ""),
            ({}, 51, WARN, "systemctl start focys-backup"),
            ({"LoadState": "not-found"}, 1, WARN, "RUNBOOK"),
            ({"ActiveState": "inactive"}, 1, WARN, "systemctl enable --now focys-backup.timer"),
            ({"Result": "exit-code"}, 1, WARN, "journalctl -u focys-backup"),
        ]
    ),
    (checks_service.workers_finding(4), OK, ""),
    (checks_service.workers_finding(0), WARN, "systemctl restart"),
    (checks_service.metrics_finding(20), OK, ""),
    (checks_service.metrics_finding(2950), WARN, "systemctl restart"),
    (checks_service.ready_finding(response(200, status="ok")), OK, ""),
    (checks_service.ready_finding(response(503, failing=["database"])), FAIL, "see the other lines"),
    (checks_service.ready_finding(response(502, "Bad Gateway")), FAIL, "see the other lines"),
    (checks_network.api_finding(response(200, app_name="Acme", signed_in=False)), OK, ""),
    (checks_network.api_finding(problem(400, "unknown_host")), FAIL, "Host $host"),
    (checks_network.api_finding(problem(404, "not_found")), FAIL, "slash at the end"),
    (checks_network.api_finding(response(200, "<!doctype html>")), FAIL, "slash at the end"),
    (checks_network.api_finding(problem(502, "unavailable")), FAIL, "systemctl restart focys-backend"),
    (checks_network.api_finding(response(500, "oops")), FAIL, "set PUBLIC_URL"),
    (checks_network.page_finding(response(200, "<html>"), response(200)), OK, ""),
    (checks_network.page_finding(response(200, "<html>"), response(404)), FAIL, "chmod -R a+rX"),
    (checks_network.page_finding(response(403), None), FAIL, "chmod -R a+rX"),
    (checks_network.page_finding(response(200, "another"), None), FAIL, "set PUBLIC_URL"),
    (checks_network.unreachable("x", socket.gaierror()), FAIL, "to the DNS"),
    (checks_network.unreachable("x", ConnectionRefusedError()), FAIL, "systemctl restart nginx"),
    (checks_network.unreachable("x", httpx.ConnectTimeout("")), WARN, "another machine"),
    (checks_database.writes_finding(None, NAMES), OK, ""),
    (checks_database.writes_finding("standby", NAMES), FAIL, "SELECT pg_promote()"),
    (checks_database.writes_finding("database", NAMES), FAIL, "ALTER DATABASE logins RESET"),
    (checks_database.writes_finding("role", NAMES), FAIL, "ALTER ROLE web RESET"),
    (checks_database.writes_finding("server", NAMES), FAIL, "ALTER SYSTEM RESET"),
    (checks_database.writes_finding("connection", NAMES), FAIL, "PGOPTIONS"),
    (checks_local.access_finding([]), OK, ""),
    (checks_local.access_finding([Path("/etc/focys/secret_key")]), WARN, "systemd-tmpfiles --create focys.conf"),
    (checks_local.access_finding([Path("/srv/a key")]), WARN, "chmod o= '/srv/a key'"),
    (checks_local.unusable("SMTP_PORT: give a number"), FAIL, "correct it"),
    (
        checks_local.unusable(
            "SECRET_KEY: the file that SECRET_KEY_FILE names cannot be read (No such file or directory)"
        ),
        FAIL,
        "SECRET_KEY_FILE",
    ),
    (
        checks_local.unusable("SECRET_KEY: the file that SECRET_KEY_FILE names cannot be read (Permission denied)"),
        FAIL,
        "systemd-tmpfiles",
    ),
]


@pytest.mark.parametrize("name", ["SECRET_KEY_FILE", ".env"])
def test_an_unreadable_file_gets_advice_about_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    """CFG-12: wherever it is; the command for /etc/focys would change nothing about a file elsewhere."""
    file = tmp_path / "a file"
    file.touch()
    if name == ".env":
        monkeypatch.setitem(Settings.model_config, "env_file", file)
    else:
        monkeypatch.setenv(name, str(file))

    setting, named = ("SECRET_KEY", f"file that {name} names") if name == "SECRET_KEY_FILE" else (name, "file")
    finding = checks_local.unusable(f"{setting}: the {named} cannot be read (Permission denied)")

    assert f"'{file}'" in finding.fix
    assert "systemd-tmpfiles" not in finding.fix


def test_permissions_are_given_where_the_database_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "pg_service.conf"
    monkeypatch.setattr(checks_database, "OWNER_SERVICE", file)

    here = Names().grants
    file.touch()
    elsewhere = Names().grants

    assert here == "sudo -u postgres psql -q -f /app/deploy/postgres/grants.sql focys_db"
    assert elsewhere == f"PGSERVICEFILE={file} psql -q -f /app/deploy/postgres/grants.sql service=focys_owner"


@pytest.mark.parametrize(("finding", "state", "fix"), JUDGED)
def test_each_reading_is_judged_and_has_its_own_fix(finding: Finding, state: State, fix: str):
    assert finding.state is state
    assert fix in finding.fix
    assert bool(finding.fix) is (state is not OK)


@pytest.mark.parametrize(
    ("cause", "fix"),
    [
        (socket.gaierror(), "correct the host"),
        (ConnectionRefusedError(), "systemctl restart postgresql"),
        (exceptions.InvalidAuthorizationSpecificationError('role "web" is not permitted to log in'), "ROLE web LOGIN"),
        (exceptions.InvalidAuthorizationSpecificationError("no pg_hba.conf entry for host"), "pg_hba.conf"),
        (exceptions.InsufficientPrivilegeError("permission denied for database"), "CONNECT ON DATABASE logins TO web"),
        (exceptions.TooManyConnectionsError('too many connections for role "web"'), "ROLE web CONNECTION LIMIT -1"),
        (exceptions.TooManyConnectionsError("sorry, too many clients already"), "max_connections"),
        (exceptions.DiskFullError("could not write init file"), "free some space"),
        (exceptions.CannotConnectNowError("the database system is starting up"), "wait until"),
    ],
)
def test_a_connection_that_fails_has_a_fix_for_its_cause(cause: Exception, fix: str):
    assert fix in checks_database.connection_fix(cause, NAMES)


@pytest.mark.parametrize(
    ("address", "state", "trusted", "is_reported"),
    [
        ("0100007F", "0A", "192.0.2.7", True),
        ("0100007F", "0A", "127.0.0.1", False),
        ("0100007F", "0A", "127.0.0.0/8", False),
        ("00000000", "0A", "10.89.7.0/28", False),
        ("0100007F", "01", "192.0.2.7", False),
    ],
)
def test_a_proxy_on_this_machine_has_to_be_trusted(
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    state: str,
    trusted: str,
    is_reported: bool,  # noqa: FBT001
):
    """CFG-03: the service listens on loopback, so its visitors come through a proxy on the same machine."""
    table = SimpleNamespace(is_file=lambda: True, read_text=lambda **_: TCP.format(address=address, state=state))
    monkeypatch.setattr(checks_service, "Path", lambda _: table)
    settings = settings_for("sqlite:////tmp/x.db", public_url="https://login.example.com", trusted_proxies=trusted)

    found = checks_service.check_local_proxy(settings)

    assert [finding.fix for finding in found] == (["set TRUSTED_PROXIES=127.0.0.1"] if is_reported else [])


def test_values_that_systemd_reads_differently_are_named():
    text = """
APP_NAME=Acme # ours
SMTP_USER='a # b'
SMTP_PASSWORD=a$b#c
SMTP_FROM=a\\b
export DEBUG=${X}
# LOG_FILE=a # b
SMTP_HOST="x"
"""

    assert names_read_differently(text) == ["APP_NAME", "SMTP_FROM", "DEBUG"]


def test_a_missing_metrics_folder_is_a_warning(tmp_path: Path):
    (tmp_path / "counter_1.db").touch()

    assert checks_service.folder_finding(tmp_path).state is OK
    assert checks_service.folder_finding(tmp_path / "gone").state is WARN
