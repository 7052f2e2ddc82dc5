"""Reads the address of a PostgreSQL database in the forms of libpq (PostgreSQL's manual, "Connection Strings")."""

from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

_SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
_EXAMPLE = "postgresql://user:password@host/name"
_QUOTING = "with %23, %2F, %3A and %40 for #, /, : and @ in the password"
VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "dbname": "PGDATABASE",
    "application_name": "PGAPPNAME",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "options": "PGOPTIONS",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "krbsrvname": "PGKRBSRVNAME",
    "gsslib": "PGGSSLIB",
    "sslmode": "PGSSLMODE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
}
"""Each option that is used, and libpq's variable for it."""
_SAME = {"ssl": "sslmode", "database": "dbname"}
_IGNORED = {
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
    *("client_encoding", "fallback_application_name", "gssencmode", "sslcompression", "sslsni", "pgbouncer"),
}
"""Options that change nothing here."""
TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class AddressError(ValueError):
    """The address cannot be used; the message names the option and what to write instead, never a value."""


def options_of(url: str) -> dict[str, str]:
    """Return the address as libpq's connection options. Several hosts are separated by commas.

    Raises:
        AddressError: it is no such address, or has an option that FOCYS cannot honor.
    """
    parts = _split(url.strip())
    login, _, hosts = parts.netloc.rpartition("@")
    user, has_password, password = login.partition(":")
    given = {"user": user, "dbname": parts.path.removeprefix("/"), **_hosts_and_ports(hosts)}
    if has_password:
        given["password"] = password
    options = {name: unquote(value) for name, value in given.items() if value}
    try:
        query = parse_qsl(parts.query, strict_parsing=bool(parts.query), keep_blank_values=True)
    except ValueError:
        raise AddressError(f"what follows the question mark is no list of options: use {_EXAMPLE}?sslmode=…") from None
    for name, value in query:
        _add(options, _SAME.get(name, name), value)
    _check_ports_and_hosts(options)
    if "," in options.get("host", ""):
        # Only one of several hosts accepts writes.
        options.setdefault("target_session_attrs", "read-write")
    return options


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        # Not the error's own text: it quotes the address, and so the password.
        raise AddressError(f"use {_EXAMPLE}, {_QUOTING}") from None
    if parts.scheme not in _SCHEMES or parts.fragment:
        raise AddressError(f"use {_EXAMPLE}, {_QUOTING}")
    return parts


def host_by_host(options: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the options once for each host, in their order."""
    hosts, ports = options.get("host", "").split(","), options.get("port", "").split(",")
    if len(hosts) == 1:
        return [dict(options)]
    ports = ports * len(hosts) if len(ports) == 1 else ports
    return [{**options, "host": host, "port": port or "5432"} for host, port in zip(hosts, ports, strict=True)]


def driver_dsn(options: Mapping[str, str]) -> str:
    """Return the options in the form that the driver reads."""
    handled_by_us = {"connect_timeout", "application_name", "options"}
    return "postgresql://?" + urlencode({name: value for name, value in options.items() if name not in handled_by_us})


def other_database(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return "postgresql://?" + urlencode({**options_of(url), "dbname": name})


def environment(options: Mapping[str, str]) -> dict[str, str]:
    """Return the options as the environment variables of PostgreSQL's own programs."""
    return {VARIABLES[name]: value for name, value in options.items()}


def _hosts_and_ports(hosts: str) -> dict[str, str]:
    """Return ``host`` and ``port``; a port is given for each host or for none."""
    if not hosts:
        return {}
    pairs = [_host_and_port(each) for each in hosts.split(",")]
    ports = [port for _, port in pairs]
    found = {"host": ",".join(host for host, _ in pairs)}
    return {**found, "port": ",".join(port or "5432" for port in ports)} if any(ports) else found


def _host_and_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, port.removeprefix(":")
    host, _, port = text.partition(":")
    if port:
        _check_port(port)
    return host, port


def _check_port(port: str) -> None:
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):  # noqa: PLR2004  16 bits
        raise AddressError(f"the port is no number from 1 to 65535: use {_EXAMPLE}, {_QUOTING}")


def _check_ports_and_hosts(options: Mapping[str, str]) -> None:
    hosts, ports = options.get("host", "").count(","), options.get("port", "").count(",")
    if ports not in {0, hosts}:
        raise AddressError("give one port for all hosts, or one for each")


def _add(options: dict[str, str], name: str, value: str) -> None:
    if name in _IGNORED or (name == "channel_binding" and value != "require"):
        return
    if name == "channel_binding":
        raise AddressError(
            "the driver knows no channel_binding: leave it out, and use sslmode=verify-full to be sure of the server"
        )
    if name not in VARIABLES:
        raise AddressError(f"the option {name[:40]!r} is unknown: leave it out")
    if name == "sslmode" and value not in TLS_MODES:
        raise AddressError(f"sslmode is one of {', '.join(TLS_MODES)}")
    if name == "connect_timeout" and not (value.isascii() and value.isdecimal() and int(value)):
        raise AddressError("connect_timeout is a number of seconds, at least 1")
    if name == "port":
        for port in value.split(","):
            _check_port(port)
    options[name] = value
