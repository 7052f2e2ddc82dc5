"""DATABASE_URL as it is used, with the driver's name."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, SecretStr
from sqlalchemy import make_url

from focys.settings.certificates import check_certificates, check_readable
from focys.settings.database_url import options_of

_DRIVERS = {
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}
_FILES = {
    "sslrootcert": check_certificates,
    "sslcert": check_readable,
    "sslkey": check_readable,
    "sslcrl": check_readable,
}
"""Options that name a file, and how to check it."""


def with_driver(url: str) -> str:
    """Return the URL with the name of an asynchronous driver."""
    scheme, _, rest = url.partition("://")
    return f"{_DRIVERS[scheme]}://{rest}"


def _database_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value().strip()
    scheme, _, rest = url.partition("://")
    if not url:
        return value
    if scheme not in _DRIVERS:
        raise ValueError("use postgresql://user:password@host/name, or sqlite:///path")
    if scheme.startswith("sqlite"):
        _check_sqlite(url, rest)
    else:
        check_files(options_of(url))
    return value


def _check_sqlite(url: str, rest: str) -> None:
    # A database in memory would be another one for each connection.
    if not rest.startswith("/") or rest.strip("/") in {"", ":memory:"} or "?" in rest:
        raise ValueError("write an SQLite file as sqlite:////path/focys.db or sqlite:///focys.db, without options")
    file = Path(make_url(url).database or "")
    if file.is_dir():
        raise ValueError("name an SQLite file, such as sqlite:////path/focys.db, not a folder")
    if not file.parent.is_dir():
        raise ValueError("the folder of the SQLite file does not exist")


def check_files(options: dict[str, str]) -> None:
    """Check the files that options of an address name.

    Raises:
        ValueError: one of them cannot be used; the message names the option.
    """
    for name, check in _FILES.items():
        if name not in options:
            continue
        if options[name] == "system":
            raise ValueError(f"{name}=system is unknown: name a file, such as /etc/ssl/certs/ca-certificates.crt")
        try:
            check(Path(options[name]))
        except ValueError as fault:
            raise ValueError(f"{name}: {fault}") from None


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
