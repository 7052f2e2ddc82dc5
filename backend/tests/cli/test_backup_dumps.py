"""``focys backup verify`` on unusable files, on unsuitable servers, and on malicious dumps."""

import asyncio
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
from typer.testing import Result

from focys.infra.db.schema import needed_revision
from tests.cli.conftest import Focys, Verify
from tests.cluster import Cluster, find_programs
from tests.support.dumps import STUBBORN, pg_dump, scratch_role
from tests.support.processes import free_port
from tests.support.roles import psql_command

MALICIOUS = "treat the backup as malicious"


@pytest.fixture
def databases(cluster: Cluster) -> Callable[[], set[str]]:
    def list_them() -> set[str]:
        async def ask() -> set[str]:
            connection = await asyncpg.connect(cluster.url)
            try:
                return {row[0] for row in await connection.fetch("SELECT datname FROM pg_database")}
            finally:
                await connection.close()

        return asyncio.run(ask())

    return list_them


def error_of(result: Result) -> str:
    """Return the error message with its fix."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.output
    return result.stderr


def test_a_database_without_accounts_is_a_warning(verify: Verify, postgres_url: str):
    result = verify(pg_dump(postgres_url))

    assert result.exit_code == 0, result.output
    assert "0 accounts" in result.stdout
    assert "check that it is the right database" in result.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"hello\n" * 100, "neither a pg_dump dump nor"),
        (gzip.compress(b"hello\n" * 100), "neither a pg_dump dump nor"),
        (gzip.compress(os.urandom(100_000))[:50_000], "The file is cut off or damaged."),
        (b"--\n-- PostgreSQL database cluster dump\n--\n", "by pg_dumpall"),
        (b"Salted__" + b"\1" * 64, "gpg --decrypt"),
        (b"age-encryption.org/v1\n", "gpg --decrypt"),
        (b"\x8c\x0d\x04\x09\x03\x0a", "gpg --decrypt"),
        (b"PGDMP\x01\x0e\x00 and no more", "pg_restore cannot read the dump: it is cut off or damaged."),
        (b"PGDMP\x01\xff\x00\x04\x08\x01", "newer pg_dump than this machine's pg_restore"),
    ],
    ids=[
        "empty",
        "text",
        "gzipped text",
        "gzip cut off",
        "whole server",
        "openssl",
        "age",
        "gpg",
        "not an archive",
        "newer archive",
    ],
)
def test_a_file_that_is_not_a_backup_gets_its_own_message(verify: Verify, content: bytes, message: str):
    assert message in error_of(verify(content))


def test_a_missing_file_and_a_folder_are_reported(on_postgres: Focys, tmp_path: Path):
    missing = on_postgres("backup", "verify", str(tmp_path / "gone.sql"))
    folder = on_postgres("backup", "verify", str(tmp_path))

    assert error_of(missing).startswith("✗ There is no file ")
    assert "is a folder" in error_of(folder)


@pytest.mark.parametrize("how", ["plain", "in the middle of a row", "gzip", "archive"])
def test_a_cut_off_backup_is_reported(verify: Verify, postgres_url: str, how: str, databases: Callable[[], set[str]]):
    before = databases()
    dump = pg_dump(postgres_url, *(["-Fc"] if how == "archive" else []))
    cut = {
        "plain": dump[: dump.rfind(b"-- PostgreSQL database dump complete")],
        "in the middle of a row": dump[: dump.find(b"\\.\n") - 3],
        # Longer than what is read to identify the file.
        "gzip": gzip.compress(dump + b"--\n" * 50_000)[:-20],
        "archive": dump[: len(dump) // 2],
    }

    assert "cut off" in error_of(verify(cut[how]))
    assert databases() == before


@pytest.mark.parametrize(("option", "program"), [("-Fc", "pg_restore"), ("-Fp", "psql")])
def test_a_missing_program_is_reported_with_its_package(
    verify: Verify, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str, program: str
):
    dump = pg_dump(postgres_url, option)
    monkeypatch.setenv("PATH", str(tmp_path))

    message = error_of(verify(dump))

    assert f"{program} is missing" in message
    assert "apt install postgresql-client" in message


def test_a_psql_that_does_not_know_restrict_is_not_given_the_dump(
    verify: Verify, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """It fails on the unknown command."""
    dump = pg_dump(postgres_url)
    (tmp_path / "psql").write_text(
        '#!/bin/sh\nfor a; do case "$a" in *restrict*) a="--command=\\restrictive";; esac; set -- "$@" "$a"; shift; done\n'
        f'exec {find_programs()}/psql "$@"\n'
    )
    (tmp_path / "psql").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "too old to run a dump safely" in error_of(verify(dump))


def test_a_role_that_cannot_create_databases_is_refused(verify: Verify, cluster: Cluster, postgres_url: str):
    with scratch_role(cluster, "NOCREATEDB") as url:
        message = error_of(verify(pg_dump(postgres_url), url))

    assert message.startswith("✗ The database role cannot create a database for the trial.")
    assert "CREATE ROLE focys_verify LOGIN CREATEDB" in message


def test_a_superuser_runs_no_dump(on_postgres: Focys, postgres_url: str, tmp_path: Path):
    """The role in DATABASE_URL, here."""
    (tmp_path / "backup").write_bytes(pg_dump(postgres_url))

    message = error_of(on_postgres("backup", "verify", str(tmp_path / "backup")))

    assert message.startswith("✗ The database role can do more than create databases")
    assert "--scratch" in message


@pytest.mark.parametrize(
    "rights",
    ["CREATEDB CREATEROLE", "CREATEDB REPLICATION", "CREATEDB BYPASSRLS", "CREATEDB IN ROLE pg_execute_server_program"],
)
def test_a_role_with_more_rights_runs_no_dump(
    verify: Verify, cluster: Cluster, postgres_url: str, tmp_path: Path, rights: str
):
    """Before PostgreSQL 16, a role with CREATEROLE can grant itself programs on the server."""
    marker = tmp_path / "marker"
    harm = f"\n\nCOPY (SELECT 1) TO PROGRAM 'touch {marker}';\n\n".encode()
    with scratch_role(cluster, rights) as url:
        message = error_of(verify(pg_dump(postgres_url).replace(b"\n\n", harm, 1), url))

    assert message.startswith("✗ The database role can do more than create databases")
    assert not marker.exists()


def test_a_role_that_owns_another_database_runs_no_dump(verify: Verify, cluster: Cluster, postgres_url: str):
    """ALTER DATABASE needs no connection to the database it changes."""
    name = f"owned_{uuid4().hex[:8]}"
    with scratch_role(cluster) as url:
        cluster.create_database(name)
        psql_command(cluster.url, f"ALTER DATABASE {name} OWNER TO {urlsplit(url).username}")
        harm = f"\n\nALTER DATABASE {name} CONNECTION LIMIT 0;\n\n".encode()

        message = error_of(verify(pg_dump(postgres_url).replace(b"\n\n", harm, 1), url))
        cluster.drop_database(name)

    assert message.startswith("✗ The database role can do more than create databases")


@pytest.mark.parametrize("wrong", ["port", "password", "database"])
def test_an_unusable_server_is_reported_without_its_password(verify: Verify, scratch: str, wrong: str):
    parts = urlsplit(scratch)
    changed = {
        "port": parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{free_port()}"),
        "password": parts._replace(netloc=parts.netloc.replace("scratch-password", "canary")),
        "database": parts._replace(path="/nowhere"),
    }

    message = error_of(verify(b"-- PostgreSQL database dump\n", urlunsplit(changed[wrong])))

    assert message.startswith("✗ The server for the trial cannot be used (")
    assert "canary" not in message


@pytest.mark.parametrize("server", ["mysql://x@y/z", "sqlite:///x.db", "postgresql"])
def test_scratch_must_be_a_postgresql_address(verify: Verify, server: str):
    assert "--scratch" in error_of(verify(b"-- PostgreSQL database dump\n", server))


def test_the_address_can_come_from_a_file(verify: Verify, scratch: str, postgres_url: str, tmp_path: Path):
    """CFG-04: so that no password is on a command line."""
    (tmp_path / "url").write_text(f"{scratch}\n")

    assert verify(pg_dump(postgres_url), str(tmp_path / "url")).exit_code == 0


def test_an_installation_on_sqlite_needs_a_server_for_a_dump_of_postgresql(
    on_postgres: Focys,
    monkeypatch: pytest.MonkeyPatch,
    postgres_url: str,
    scratch: str,
    sqlite_url: str,
    tmp_path: Path,
):
    (tmp_path / "backup").write_bytes(pg_dump(postgres_url))
    monkeypatch.setenv("DATABASE_URL", sqlite_url)

    without = on_postgres("backup", "verify", str(tmp_path / "backup"))
    with_one = on_postgres("backup", "verify", str(tmp_path / "backup"), "--scratch", scratch)

    assert "this installation stores its data in SQLite" in error_of(without)
    assert with_one.exit_code == 0, with_one.output


def test_a_dump_of_a_newer_server_works_or_says_so(verify: Verify, postgres_url: str):
    dump = pg_dump(postgres_url)
    version = dump.split(b"-- Dumped from database version ")[1].split(b".")[0].split(b" ")[0]
    newer = dump.replace(b"database version " + version, b"database version 99")
    setting = newer.replace(b"SET lock_timeout = 0;\n", b"SET lock_timeout = 0;\nSET a_later_timeout = 0;\n")
    statement = newer.replace(b"CREATE TABLE ", b"CREATE SPLENDID TABLE ", 1)

    assert verify(setting).exit_code == 0
    message = error_of(verify(statement))
    assert "The dump is from PostgreSQL 99, and the server for the trial is" in message


def test_a_refused_statement_is_reported_without_its_content(verify: Verify, postgres_url: str):
    broken = pg_dump(postgres_url).replace(b"CREATE TABLE ", b"SELECT 'canary'::integer;\nCREATE TABLE ", 1)

    message = error_of(verify(broken))

    assert "SQLSTATE 22P02" in message
    assert "canary" not in message


@pytest.mark.parametrize(
    "harm",
    [
        r"\! touch {marker}",
        r"SELECT 1; \! touch {marker}",
        r"\o | touch {marker}",
        r"\set x `touch {marker}`",
        r"\copy (SELECT 1) TO PROGRAM 'touch {marker}'",
        r"\connect {database}" + "\nDROP TABLE users;",
        "\\unrestrict x\n\\! touch {marker}",
        "\\restrict x\n\\unrestrict x\n\\! touch {marker}",
        "COPY (SELECT 1) TO PROGRAM 'touch {marker}';",
        "COPY (SELECT 1) TO '{marker}';",
        "CREATE EXTENSION dblink;",
        "COMMIT; DROP DATABASE\n{database};",
        "ALTER SYSTEM SET log_statement = 'all';",
        "CREATE ROLE evil SUPERUSER;",
        "SET SESSION AUTHORIZATION {superuser};\nALTER ROLE {superuser} PASSWORD NULL;",
    ],
)
def test_a_malicious_dump_is_refused(
    verify: Verify,
    postgres_url: str,
    cluster: Cluster,
    tmp_path: Path,
    databases: Callable[[], set[str]],
    harm: str,
):
    before = databases()
    marker = tmp_path / "marker"
    names = {"marker": marker, "database": urlsplit(postgres_url).path[1:], "superuser": urlsplit(cluster.url).username}
    harmful = "\n\n" + harm.format(**names) + "\n\n"
    dump = pg_dump(postgres_url).replace(b"\n\n", harmful.encode(), 1)

    error_of(verify(dump))

    assert not marker.exists()
    assert databases() == before
    assert b"CREATE TABLE public.users" in pg_dump(postgres_url)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("CREATE DATABASE more;\nALTER DATABASE more IS_TEMPLATE true;", MALICIOUS),
        ("DO $$ BEGIN EXECUTE 'ALTER RO' || 'LE CURRENT_USER PASSWORD ''mine'''; END $$;", MALICIOUS),
        ("ALTER ROLE CURRENT_USER SET search_path = evil;", MALICIOUS),
        ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user;", ""),
        (STUBBORN, MALICIOUS),
    ],
)
def test_what_a_dump_does_outside_its_database_is_reported(
    verify: Verify, postgres_url: str, databases: Callable[[], set[str]], change: str, expected: str
):
    """PostgreSQL cannot forbid it. The scratch database is dropped all the same."""
    before = databases()

    message = error_of(verify(pg_dump(postgres_url).replace(b"\n\n", f"\n\n{change}\n\n".encode(), 1)))

    assert expected in message
    assert databases() == before


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        ("SET statement_timeout = 0;\nSELECT pg_sleep(600);", "did not finish within"),
        ("DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$;", "did not finish within"),
        ("CREATE TABLE big AS SELECT repeat(md5(n::text), 99) FROM generate_series(1, 1000000) AS n;", "grows beyond"),
        ("SELECT '" + "x" * 2000 + "';", "is longer than"),
        ("SELECT '\n" + "x\n" * 4000 + "';", "does not end"),
    ],
)
def test_a_dump_has_limited_time_and_space(
    verify: Verify,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    databases: Callable[[], set[str]],
    harm: str,
    expected: str,
):
    before = databases()
    monkeypatch.setattr("focys.cli.backup.trial.TRIAL_SECONDS", 4 if "finish" in expected else 60)
    monkeypatch.setattr("focys.cli.backup.trial.MIN_ROOM", 32 * 1024 * 1024)
    monkeypatch.setattr("focys.cli.backup.trial.TIMES_ITS_SIZE", 1)
    if "finish" not in expected:
        monkeypatch.setattr("focys.cli.backup.dump.LINE_BYTES", 1000)
        monkeypatch.setattr("focys.cli.backup.restore.STATEMENT_BYTES", 5000)

    message = error_of(verify(pg_dump(postgres_url).replace(b"\n\n", f"\n\n{harm}\n\n".encode(), 1)))

    assert expected in message
    assert databases() == before


def test_escape_sequences_from_a_dump_do_not_reach_the_terminal(verify: Verify, postgres_url: str):
    row = b"FROM stdin;\n" + needed_revision().encode() + b"\n"
    dump = pg_dump(postgres_url)
    assert dump.count(row) == 1

    result = verify(dump.replace(row, b"FROM stdin;\n\x1b]0;canary\x07\x1b[2J\n"))

    assert result.exit_code == 1
    assert "at ?]0;canary" in " ".join(result.stdout.split())
    assert "\x1b" not in result.output


def test_a_row_that_looks_like_a_command_is_a_row(verify: Verify, postgres_url: str, tmp_path: Path):
    marker = tmp_path / "marker"
    row = (
        "INSERT INTO public.audit_events (id, at, event, outcome, source, request_id, detail) VALUES "
        f"(gen_random_uuid(), now(), 'x', 'ok', 'x', 'x', E'\\\\! touch {marker}\\n\\\\.\\nDROP TABLE users; it''s');"
    )
    dump = pg_dump(postgres_url)
    end = dump.rindex(b"--\n-- PostgreSQL database dump complete")

    result = verify(dump[:end] + row.encode() + b"\n\n" + dump[end:])

    assert result.exit_code == 0, result.output
    assert not marker.exists()
