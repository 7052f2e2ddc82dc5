"""What ``focys doctor`` prints, and which of it may be passed on."""

import json
import socket
from pathlib import Path

import pytest

from focys.cli.doctor.report import Finding, Report, as_text, fail
from focys.settings import private_values
from tests.cli.conftest import Focys
from tests.conftest import settings_for
from tests.support.doctor import OTHER_KEY, enrolled, line_of
from tests.support.processes import free_port


def unknown_host(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_the_support_text_holds_no_secret_person_or_host(
    on_sqlite: Focys, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """LOG-02, CFG-04: with everything that can fail failing."""
    enrolled(sqlite_url)
    canaries = {
        "SECRET_KEY": OTHER_KEY,
        "SECRET_KEY_FALLBACKS": "canary-fallback-key-that-is-long-enough-4711",
        "SMTP_HOST": "canary-mail.invalid",
        "SMTP_USER": "canary-user@mail.example",
        "SMTP_PASSWORD": "canary-mail-password",
        "SMTP_FROM": "canary-from@mail.example",
        "RATE_LIMIT_STORAGE": f"redis://:canary-redis-password@canary-redis.invalid:{free_port()}/0",
        "CORS_ORIGINS": "https://canary-app.example.com",
        "TRUSTED_PROXIES": "198.51.100.77",
        "LOG_FILE": f"{tmp_path}/index.html/canary-log/x.log",
        "BREACHED_PASSWORDS_URL": "https://canary-breaches.example.com",
    }
    for name, value in canaries.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PUBLIC_URL", "https://canary-login.example.com")
    monkeypatch.setattr("socket.getaddrinfo", unknown_host)

    result = on_sqlite("doctor", "--support", "--probe", "--send-test", "canary-dana@example.com")

    assert result.exit_code == 1
    assert result.stdout.count("fail  ") >= 4
    assert "canary" not in result.output.lower()
    assert [value for value in (*canaries.values(), str(tmp_path), "198.51.100") if value in result.output] == []
    assert "\x1b" not in result.stdout
    assert "Traceback" not in result.output


def test_what_others_say_about_our_hosts_is_replaced_in_the_support_text():
    """LOG-02: by the name of the setting, no matter who wrote the line."""
    settings = settings_for(
        "postgresql://canary:word@db-one.example.com,db-two.example.com/focys_db",
        public_url="https://login.example.com",
        smtp_host="mail.example.com",
        smtp_from="canary@example.com",
        log_file="/var/log/canary.log",
        rate_limit_storage="redis://:word@valkey.example.com:6379/0",
        trusted_proxies="198.51.100.7",
    )
    said = (
        "not valid for 'login.example.com'; db-one.example.com and DB-TWO.example.com closed; mail.example.com said no to "
        "someone@example.org from canary@example.com; valkey.example.com:6379; /var/log/canary.log; 198.51.100.7; 10.1.2.3"
    )
    report = Report(findings=[fail("certificate", said, said)], private=private_values(settings))

    text = as_text(report)

    assert "not valid for 'PUBLIC_URL'; DATABASE_URL and DATABASE_URL closed; SMTP_HOST said no" in text
    assert [word for word in ("example", "canary", "198.", "10.1", "word") if word in text] == []


def test_the_report_can_be_read_by_a_program(on_sqlite: Focys):
    result = on_sqlite("doctor", "--json")

    report = json.loads(result.stdout)
    assert report["healthy"] is True
    assert {check["state"] for check in report["checks"]} <= {"ok", "warn"}
    assert report["checks"][0].keys() == {"name", "state", "detail", "fix", "aside"}


def test_the_report_fits_a_terminal_of_80_columns(on_sqlite: Focys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PUBLIC_URL", "https://login.example.com")
    monkeypatch.setattr("socket.getaddrinfo", unknown_host)

    result = on_sqlite("doctor")

    assert [line for line in result.stdout.splitlines() if len(line) > 80] == []
    assert result.stdout.rstrip().endswith("checks).")


def test_a_crashing_check_fails_alone(on_sqlite: Focys, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: object) -> Finding:
        raise RuntimeError("canary")

    monkeypatch.setattr("focys.cli.doctor.checks_database.check_clock", broken)

    result = on_sqlite("doctor", "--support")

    assert result.exit_code == 1
    assert "the check failed (RuntimeError)" in line_of(result.stdout, "clock")
    assert line_of(result.stdout, "keys").startswith("ok")
    assert "canary" not in result.output
