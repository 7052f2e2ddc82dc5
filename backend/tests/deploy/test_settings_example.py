"""The example of the settings names each of them with its default, and can be used as it is."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr

from focys.settings import BACKEND, Settings, load_settings
from tests.deploy.shipped import DEPLOY, SITE, UNIT, unit_values

EXAMPLE = DEPLOY / "env" / ".env.example"
SETTING = re.compile(r"#(?P<name>[A-Z_]+)=(?P<value>.*)")


def as_text(default: Any) -> str:
    match default:
        case None:
            return ""
        case SecretStr():
            return default.get_secret_value()
        case list():
            return ",".join(as_text(item) for item in default)
        case Path() if default.is_relative_to(BACKEND):
            return str(Path("/app/backend") / default.relative_to(BACKEND))
        case Path() | str() | int() | IPv4Network() | IPv6Network():
            return str(default)
    raise TypeError(default)


def test_the_example_lists_every_setting_with_its_default():
    named = [found.groups() for line in EXAMPLE.read_text().splitlines() if (found := SETTING.fullmatch(line))]

    assert named == [(name.upper(), as_text(field.get_default())) for name, field in Settings.model_fields.items()]


def test_every_setting_is_explained_and_commented_out():
    lines = EXAMPLE.read_text().splitlines()

    assert all(line.startswith("#") for line in lines if line)
    settings = [number for number, line in enumerate(lines) if SETTING.fullmatch(line)]
    assert all(lines[number - 1].startswith("# ") and lines[number - 1].endswith(".") for number in settings)


def test_the_uncommented_values_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    values = [found.groups() for line in EXAMPLE.read_text().splitlines() if (found := SETTING.fullmatch(line))]
    uncommented = tmp_path / "env"
    uncommented.write_text("".join(f"{name}={value}\n" for name, value in values if value and name != "DATA_DIR"))

    settings = load_settings(_env_file=uncommented)

    assert len(dotenv_values(uncommented)) > 15
    assert settings == load_settings(_env_file=None)


def test_systemd_and_dotenv_read_the_example_alike():
    """Systemd takes a sentence after a value for a part of the value."""
    assert not any(" #" in line for line in EXAMPLE.read_text().splitlines() if SETTING.fullmatch(line))


def test_the_shipped_files_agree_on_paths():
    unit, site = UNIT.read_text(), SITE.read_text()
    environment = dict(value.split("=", 1) for value in unit_values("Environment"))
    rotated = re.findall(r"^(/\S+) \{$", (DEPLOY / "logrotate" / "focys").read_text(), flags=re.MULTILINE)

    assert rotated == [environment["LOG_FILE"]]
    assert f"server {environment['TRUSTED_PROXIES']}:8000;" in site
    assert "--bind 127.0.0.1:8000" in unit
    assert {environment["LOG_FILE"], environment["DATA_DIR"], environment["PROMETHEUS_MULTIPROC_DIR"]} <= {
        word.rstrip(".") for word in EXAMPLE.read_text().split()
    }
    # The keep-alive of gunicorn outlasts that of nginx, or a request could meet a closing connection.
    (backend,), (front,) = re.findall(r"--keep-alive (\d+)", unit), re.findall(r"keepalive_timeout (\d+)s", site)
    assert int(backend) > int(front)
