"""The settings for the look of the pages and for where they lead are checked at the start."""

from pathlib import Path
from typing import Any

import pytest

from focys.settings import Settings, SettingsError, load_settings
from tests.conftest import SECRET_KEY

PUBLIC_URL = "https://sso.corp.test"


def read(**values: Any) -> Settings:
    given: dict[str, Any] = {
        "public_url": PUBLIC_URL,
        "database_url": "postgresql://db.corp.test/focys",
        "secret_key": SECRET_KEY,
    }
    return load_settings(_env_file=None, **given, **values)


def problems_of(**values: Any) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read(**values)
    return refused.value.problems


REFUSED = [
    ("support_contact", "the office upstairs"),
    ("support_contact", "http://help.corp.test"),
    ("support_contact", "javascript:alert(1)"),
    ("support_contact", "help@corp.test\nBcc: everyone@corp.test"),
    ("app_url", "app.corp.test"),
    ("app_url", "http://app.corp.test"),
    ("app_url", "https://*.corp.test"),
    ("app_url", "https://someone@app.corp.test"),
    ("app_url", "https://app.corp.test/a b"),
    ("app_url", "javascript:alert(1)"),
    ("logo", "/no/such/logo.svg"),
    ("logo", __file__),
    ("logo", "https://cdn.corp.test/logo.svg"),
    ("logo", "https://sso.corp.test.example/logo.svg"),
    ("accent_color", "green"),
    ("accent_color", "#abc"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_a_page_cannot_show_is_refused_without_its_value(name: str, value: str):
    [problem] = problems_of(**{name: value})

    assert problem.startswith(f"{name.upper()}: ")
    assert value not in problem


def test_addresses_are_written_as_browsers_send_them():
    settings = read(
        support_contact="Help@Corp.TEST",
        app_url="https://App.Corp.TEST:443/Home?tab=1#Top",
        logo=f"{PUBLIC_URL}/logo.svg",
        accent_color="#AA0000",
    )

    assert settings.support_contact == "Help@corp.test"
    assert settings.app_url == "https://app.corp.test/Home?tab=1#Top"
    assert settings.logo == "https://sso.corp.test/logo.svg"
    assert settings.accent_color == "#aa0000"
    assert read(app_url="http://localhost:3000").app_url == "http://localhost:3000"


def test_a_logo_must_be_small(tmp_path: Path):
    logo = tmp_path / "logo.svg"
    logo.write_bytes(b"<svg>" + b" " * 100_000)

    assert problems_of(logo=str(logo)) == ["LOGO: the file is larger than 100 kB"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (" Acme Tasks ", "Acme Tasks"),
        ('"Acme Tasks"', "Acme Tasks"),
        ("'Acme'", "Acme"),
        ("“Acme Tasks”", "Acme Tasks"),
        ("« Acme »", "Acme"),
        ('Acme "Tasks"', 'Acme "Tasks"'),
        ('"', '"'),
        ("Ärzte & Co.", "Ärzte & Co."),
        (f'"{"x" * 30}"', "x" * 30),
    ],
)
def test_quotes_around_the_apps_name_are_removed(given: str, meant: str):
    """Docker keeps the quotes in an env file; a shell, systemd and .env remove them."""
    assert read(app_name=given).app_name == meant
