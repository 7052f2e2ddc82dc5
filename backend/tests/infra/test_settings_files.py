"""Files that settings name: one that cannot be used is refused at the start, in the same sentence everywhere."""

import os
from pathlib import Path

import pytest
import trustme

from focys.cli.doctor.checks_local import unusable
from focys.settings.database_url import options_of
from tests.infra.test_settings import POSTGRES, PRODUCTION, environment, problems_of

__all__ = ["environment"]


def settings_naming(file: Path, setting: str) -> dict[str, str]:
    if setting == "SMTP_CA_FILE":
        return {**PRODUCTION, "SMTP_CA_FILE": str(file)}
    return {**PRODUCTION, "DATABASE_URL": f"{POSTGRES}?sslmode=verify-full&sslrootcert={file}"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "the file cannot be read (No such file or directory)"),
        ("a folder", "the file cannot be read (Is a directory)"),
        (b"", "the file contains no certificate in PEM format (-----BEGIN CERTIFICATE-----)"),
        (b"\x30\x82\x01\x0a", "the file contains no certificate in PEM format (-----BEGIN CERTIFICATE-----)"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n", "the file contains no certificate in PEM format"),
    ],
)
@pytest.mark.parametrize(("setting", "prefix"), [("SMTP_CA_FILE", ""), ("DATABASE_URL", "sslrootcert: ")])
def test_an_unusable_certificate_file_is_refused(environment, tmp_path: Path, content, why, setting, prefix):
    """CFG-04: not when the first email is sent, or the first person signs in."""
    file = tmp_path / "ca.pem"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content:
        file.mkdir()

    [problem] = problems_of(environment, **settings_naming(file, setting))

    assert problem.startswith(f"{setting}: {prefix}{why}")
    assert "hunter2" not in problem
    assert unusable(problem).detail == problem
    assert unusable(problem).fix.startswith("correct it ")


@pytest.mark.parametrize("setting", ["SMTP_CA_FILE", "DATABASE_URL"])
def test_a_certificate_file_is_accepted(environment, tmp_path: Path, setting: str):
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")

    assert environment(**settings_naming(tmp_path / "ca.pem", setting))


def test_the_systems_authorities_have_to_be_named_as_a_file(environment):
    """CFG-04: libpq knows sslrootcert=system, the driver does not."""
    url = f"{POSTGRES}?sslmode=verify-full&sslrootcert=system"

    [problem] = problems_of(environment, **{**PRODUCTION, "DATABASE_URL": url})

    assert "name a file, such as /etc/ssl/certs/ca-certificates.crt" in problem


@pytest.mark.parametrize(
    ("query", "variables", "setting"),
    [
        ("", {"PGSSLMODE": "verify"}, "PGSSLMODE"),
        ("", {"PGSSLMODE": "verify-full"}, "PGSSLMODE"),
        ("", {"PGSSLROOTCERT": "/no/such/file"}, "PGSSLROOTCERT"),
        ("?sslmode=verify-full", {}, "DATABASE_URL"),
        ("?sslmode=verify-ca", {"PGSSLMODE": "disable"}, "DATABASE_URL"),
    ],
)
def test_tls_that_cannot_be_verified_is_refused(environment, monkeypatch, tmp_path: Path, query, variables, setting):
    """CFG-14: at the start, not at every sign-in."""
    monkeypatch.setenv("HOME", str(tmp_path))

    [problem] = problems_of(environment, **{**PRODUCTION, "DATABASE_URL": POSTGRES + query}, **variables)

    assert problem.startswith(f"{setting}: ")
    assert "hunter2" not in problem


def test_the_address_takes_precedence_over_the_variables_of_libpq(environment, tmp_path: Path):
    """CFG-14: as for PostgreSQL's own programs."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    libpqs = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(tmp_path / "ca.pem")}

    from_variables = environment(**PRODUCTION, **libpqs).database
    from_address = environment(**{**PRODUCTION, "DATABASE_URL": f"{POSTGRES}?sslmode=require"}, **libpqs).database

    assert options_of(from_variables)["sslmode"] == "verify-full"
    assert options_of(from_address)["sslmode"] == "require"
    assert options_of(from_address)["sslrootcert"] == str(tmp_path / "ca.pem")


def test_sqlite_needs_no_tls(environment):
    """CFG-14: what a shell sets for other programs is none of its business."""
    assert environment(PGSSLMODE="verify", PGSSLROOTCERT="/no/such/file").is_embedded


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/2", "/dev/null", "/tmp"])
def test_a_log_file_that_is_no_regular_file_is_refused(environment, path: str):
    """CFG-04: it could block the service, or be a socket that cannot be opened."""
    [problem] = problems_of(environment, LOG_FILE=path)

    assert problem == "LOG_FILE: name a regular file, or leave it out: events always go to standard error"
    assert unusable(problem).detail == problem


def test_a_pipe_is_no_log_file(environment, tmp_path: Path):
    """CFG-04: without a reader, opening it would never end."""
    os.mkfifo(tmp_path / "log")

    [problem] = problems_of(environment, LOG_FILE=str(tmp_path / "log"))

    assert problem.startswith("LOG_FILE: name a regular file")
