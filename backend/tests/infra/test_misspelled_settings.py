"""A misspelled setting has no effect; the log and the doctor name it, and the setting that was meant."""

import json
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values

from focys.cli.doctor.checks_local import check_settings
from focys.cli.doctor.report import State
from focys.settings import Settings, without_effect
from tests.conftest import SECRET_KEY, settings_for
from tests.support.guide import ENV_FILE
from tests.support.mailing import mailing_world


@pytest.fixture
def dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / ".env"
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    return file


def put(file: Path, text: str) -> None:
    file.write_text(text)


def lines_of(log: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SMPT_HOST", "SMTP_HOST"),
        ("SMTP_PASS", "SMTP_PASSWORD"),
        ("SMTP_USERNAME", "SMTP_USER"),
        ("DATBASE_URL", "DATABASE_URL"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("database-url", "DATABASE_URL"),
        ("TRUSTED_PROXY", "TRUSTED_PROXIES"),
        ("CORS_ORIGIN", "CORS_ORIGINS"),
        ("SECRETKEY", "SECRET_KEY"),
        ("SMTP_PASWORD_FILE", "SMTP_PASSWORD_FILE"),
        ("PGSSLROOTCRT", "PGSSLROOTCERT"),
    ],
)
def test_a_name_that_looks_like_a_setting_is_reported_with_it(name: str, meant: str):
    assert without_effect([name]) == [f"{name} is not a setting; did you mean {meant}?"]


@pytest.mark.parametrize(
    "name",
    [
        *("WEB_CONCURRENCY", "PYTHONUNBUFFERED", "SSL_CERT_FILE", "HTTPS_PROXY", "PORT", "TZ", "PATH", "LANG"),
        *("POSTGRES_PASSWORD", "FORWARDED_ALLOW_IPS", "GUNICORN_CMD_ARGS", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"),
    ],
)
def test_a_variable_of_another_program_and_a_secret_are_not(name: str):
    assert without_effect([name]) == []


def test_settings_themselves_are_not():
    names = [name.upper() for name in Settings.model_fields] + ["smtp_host", "Secret_Key_File"]

    assert without_effect([*names, *dotenv_values(stream=StringIO(ENV_FILE))]) == []


def test_a_variable_of_libpq_belongs_into_the_address():
    """Programs that do not get the settings file as their environment would not honor it."""
    assert without_effect(["PGSSLCERT"]) == ["PGSSLCERT is read from the environment only; set sslcert in DATABASE_URL"]


async def test_the_start_logs_a_misspelled_setting(dotenv: Path, sqlite_url: str, tmp_path: Path):
    put(dotenv, "SMPT_HOST=mail.example.com\nTZ=UTC\n")

    async with mailing_world(sqlite_url, log_file=tmp_path / "focys.log"):
        pass

    said = lines_of(tmp_path / "focys.log")
    [warning] = [line for line in said if line["event"] == "setting_without_effect"]
    assert (warning["level"], warning["cause"]) == ("warning", "SMPT_HOST is not a setting; did you mean SMTP_HOST?")
    assert "mail.example.com" not in str(said)


def test_the_doctor_names_a_misspelled_setting(dotenv: Path):
    put(dotenv, f"SECRET_KEY={SECRET_KEY}\nSMPT_HOST=mail.example.com\n")

    found = check_settings(settings_for("sqlite:////tmp/x.db"))

    [finding] = [finding for finding in found if finding.name == "setting name"]
    assert finding.state is State.WARN
    assert finding.detail == "SMPT_HOST is not a setting; did you mean SMTP_HOST?"
    assert finding.fix.startswith("correct it ")
