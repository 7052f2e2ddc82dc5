"""Which values of the settings must not be passed on: secrets, hosts, addresses, paths and people."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from focys.settings.database_url import AddressError, options_of
from focys.settings.model import Settings
from focys.settings.origins import LOCAL_HOSTS

_PUBLIC = {"algorithm", "app_name", "mfa_policy", "pgsslmode", "smtp_security"}
"""Settings whose values are words, not places."""
_SHALLOW = 2
"""A path such as /tmp reveals nothing."""


def private_values(settings: Settings) -> list[tuple[str, str]]:
    """Return each private value of the settings, and each host in one, with the setting's name."""
    return [(value, name) for name, value in _values(settings) if value.casefold() not in LOCAL_HOSTS]


def _values(settings: Settings) -> Iterator[tuple[str, str]]:
    for field in type(settings).model_fields:
        if field not in _PUBLIC:
            for text in _texts(getattr(settings, field)):
                for part in (text, *_hosts_in(text)):
                    yield field.upper(), part


def _texts(value: object) -> list[str]:
    """Return the strings in a value; numbers and switches are not private."""
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if value is None or isinstance(value, bool | int | Mapping):
        return []
    if isinstance(value, Path):
        return [str(place) for place in (value, value.parent) if len(place.parts) > _SHALLOW]
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return [text] if text and text != "database" else []


def _hosts_in(text: str) -> list[str]:
    """Return the hosts in an address, without and with their ports; several are separated by commas."""
    if "://" not in text:
        return [text.removesuffix("/32").removesuffix("/128")] if text.endswith(("/32", "/128")) else []
    try:
        options = options_of(text)
        return [host for host in options.get("host", "").split(",") if host]
    except AddressError:
        parts = urlsplit(text)
        return [host for host in (parts.netloc, parts.hostname) if host]
