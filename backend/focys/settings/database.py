"""DATABASE_URL as it is used, with the driver's name."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from pydantic import AfterValidator, SecretStr
from sqlalchemy import make_url

from focys.settings.certificates import check_certificates, check_readable
from focys.settings.database_url import TLS_MODES, options_of

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
_VERIFYING = {"verify-ca", "verify-full"}


def with_driver(url: str) -> str:
    """Return the URL with the name of an asynchronous driver."""
    scheme, _, rest = url.partition("://")
    return f"{_DRIVERS[scheme]}://{rest}"


def with_tls(url: str, mode: str, authority: Path | None) -> str:
    """Return the URL with the values of PGSSLMODE and PGSSLROOTCERT for what it does not say itself.

    The driver would read them from the environment only, not from ``.env``.
    """
    if not _is_postgresql(url):
        return url
    given = {"sslmode": mode, "sslrootcert": str(authority or "")}
    own = options_of(url)
    more = {name: value for name, value in given.items() if value and name not in own}
    return f"{url}{'&' if '?' in url else '?'}{urlencode(more)}" if more else url


def tls_problems(url: str, mode: str, authority: Path | None) -> list[str]:
    """Check PGSSLMODE and PGSSLROOTCERT, and whether there is a certificate to verify the server's with."""
    if not _is_postgresql(url):
        return []
    problems = [f"PGSSLMODE: use one of {', '.join(TLS_MODES)}"] if mode and mode not in TLS_MODES else []
    if authority is not None:
        try:
            _check_files({"sslrootcert": str(authority)})
        except ValueError as fault:
            problems.append(f"PGSSLROOTCERT: {str(fault).removeprefix('sslrootcert: ')}")
    if problems:
        return problems
    options = options_of(with_tls(url.strip(), mode, authority))
    if options.get("sslmode") not in _VERIFYING or "sslrootcert" in options or _has_libpqs_authority():
        return []
    name = "DATABASE_URL" if "sslmode" in options_of(url) else "PGSSLMODE"
    return [f"{name}: sslmode={options['sslmode']} needs sslrootcert=FILE, the certificate of the server's authority"]


def _is_postgresql(url: str) -> bool:
    return url.strip().startswith("postgres")


def _has_libpqs_authority() -> bool:
    """Tell whether there is the file that libpq and the driver read if the address names none."""
    try:
        return Path("~/.postgresql/root.crt").expanduser().is_file()
    except (OSError, RuntimeError):  # no home, or one that is closed to us
        return False


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
        _check_files(options_of(url))
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


def _check_files(options: dict[str, str]) -> None:
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
