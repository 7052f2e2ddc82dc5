"""``focys backup verify`` on files that are no backup, on servers that will not do, and on a dump that means harm."""

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
from tests.conftest import SECRET_KEY
from tests.support.dumps import STUBBORN, pg_dump, scratch_role
from tests.support.processes import free_port
from tests.support.roles import psql_command

CHANGED = "has changed the role that tried it"


@pytest.fixture
def on_postgres(command: Focys, monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> Focys:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("PATH", os.pathsep.join([str(find_programs()), os.environ["PATH"]]))
    return command


@pytest.fixture
def verify(on_postgres: Focys, scratch: str, tmp_path: Path) -> Verify:
    """Run ``focys backup verify`` on a dump's bytes."""

    def on(dump: bytes, server: str = scratch) -> Result:
        path = tmp_path / "backup"
        path.write_bytes(dump)
        return on_postgres("backup", "verify", str(path), "--scratch", server)

    return on


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


def complaint(result: Result) -> str:
    """The one sentence, with what mends it below."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.output
    return result.stderr


def test_a_database_without_people_is_no_fault_and_is_told(verify: Verify, postgres_url: str):
    result = verify(pg_dump(postgres_url))

    assert result.exit_code == 0, result.output
    assert "0 accounts" in result.stdout
    assert "see that it is the right database" in result.stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "The file is empty."),
        (b"hello\n" * 100, "This is not a dump of pg_dump"),
        (os.urandom(1).hex().encode() + b"\0" * 4096, "This is not a dump of pg_dump"),
        (gzip.compress(b"hello\n" * 100), "This is not a dump of pg_dump"),
        (gzip.compress(os.urandom(100_000))[:50_000], "The file is cut off or damaged."),
        (b"\x1f\x8bnot gzip at all", "The file is cut off or damaged."),
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
        "bytes",
        "text in gzip",
        "noise in gzip",
        "no gzip",
        "cluster",
        "openssl",
        "age",
        "gpg",
        "no archive",
        "newer",
    ],
)
def test_what_is_no_backup_is_told_in_a_sentence(verify: Verify, content: bytes, told: str):
    assert told in complaint(verify(content))


def test_a_file_that_is_not_there_and_a_folder_are_told(on_postgres: Focys, tmp_path: Path):
    missing = on_postgres("backup", "verify", str(tmp_path / "gone.sql"))
    folder = on_postgres("backup", "verify", str(tmp_path))

    assert complaint(missing).startswith("✗ There is no file ")
    assert "is a folder" in complaint(folder)


@pytest.mark.parametrize("how", ["plain", "in the middle of a row", "gzip", "archive"])
def test_a_backup_that_is_cut_off_is_told(
    verify: Verify, postgres_url: str, how: str, databases: Callable[[], set[str]]
):
    before = databases()
    dump = pg_dump(postgres_url, *(["-Fc"] if how == "archive" else []))
    cut = {
        "plain": dump[: dump.rfind(b"-- PostgreSQL database dump complete")],
        "in the middle of a row": dump[: dump.find(b"\\.\n") - 3],
        "gzip": gzip.compress(dump)[:-20],
        "archive": dump[: len(dump) // 2],
    }

    assert "cut off" in complaint(verify(cut[how]))
    assert databases() == before


def test_without_pg_restore_an_archive_is_told_what_to_install(
    verify: Verify, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    dump = pg_dump(postgres_url, "-Fc")
    monkeypatch.setenv("PATH", str(tmp_path))

    said = complaint(verify(dump))

    assert "pg_restore is missing" in said
    assert "apt install postgresql-client" in said


def test_a_role_that_may_not_make_databases_is_told_which_one_may(verify: Verify, cluster: Cluster, postgres_url: str):
    with scratch_role(cluster, "NOCREATEDB") as url:
        said = complaint(verify(pg_dump(postgres_url), url))

    assert said.startswith("✗ The database role may not make a database for the trial.")
    assert "CREATE ROLE focys_verify LOGIN CREATEDB" in said


def test_a_role_that_may_do_everything_runs_no_dump(on_postgres: Focys, postgres_url: str, tmp_path: Path):
    """The one of DATABASE_URL, here."""
    (tmp_path / "backup").write_bytes(pg_dump(postgres_url))

    said = complaint(on_postgres("backup", "verify", str(tmp_path / "backup")))

    assert said.startswith("✗ The database role may do more than make databases")
    assert "--scratch" in said


@pytest.mark.parametrize(
    "rights",
    ["CREATEDB CREATEROLE", "CREATEDB REPLICATION", "CREATEDB BYPASSRLS", "CREATEDB IN ROLE pg_execute_server_program"],
)
def test_a_role_that_may_do_more_than_make_databases_runs_no_dump(
    verify: Verify, cluster: Cluster, postgres_url: str, tmp_path: Path, rights: str
):
    """A program on the server is one GRANT away from whoever may make roles, before PostgreSQL 16."""
    marker = tmp_path / "marker"
    harm = f"\n\nCOPY (SELECT 1) TO PROGRAM 'touch {marker}';\n\n".encode()
    with scratch_role(cluster, rights) as url:
        said = complaint(verify(pg_dump(postgres_url).replace(b"\n\n", harm, 1), url))

    assert said.startswith("✗ The database role may do more than make databases")
    assert not marker.exists()


def test_a_role_that_owns_another_database_runs_no_dump(verify: Verify, cluster: Cluster, postgres_url: str):
    """ALTER DATABASE needs no connection to the database it changes."""
    name = f"owned_{uuid4().hex[:8]}"
    with scratch_role(cluster) as url:
        cluster.create_database(name)
        psql_command(cluster.url, f"ALTER DATABASE {name} OWNER TO {urlsplit(url).username}")
        harm = f"\n\nALTER DATABASE {name} CONNECTION LIMIT 0;\n\n".encode()

        said = complaint(verify(pg_dump(postgres_url).replace(b"\n\n", harm, 1), url))
        cluster.drop_database(name)

    assert said.startswith("✗ The database role may do more than make databases")


@pytest.mark.parametrize("wrong", ["port", "password", "database"])
def test_a_server_that_cannot_be_used_is_told(verify: Verify, scratch: str, wrong: str):
    parts = urlsplit(scratch)
    changed = {
        "port": parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{free_port()}"),
        "password": parts._replace(netloc=parts.netloc.replace("scratch-password", "canary")),
        "database": parts._replace(path="/nowhere"),
    }

    said = complaint(verify(b"-- PostgreSQL database dump\n", urlunsplit(changed[wrong])))

    assert said.startswith("✗ The server for the trial cannot be used (")
    assert "canary" not in said


@pytest.mark.parametrize("server", ["mysql://x@y/z", "sqlite:///x.db", "postgresql"])
def test_what_is_no_address_of_a_server_is_told(verify: Verify, server: str):
    assert "--scratch" in complaint(verify(b"-- PostgreSQL database dump\n", server))


def test_the_address_may_stand_in_a_file(verify: Verify, scratch: str, postgres_url: str, tmp_path: Path):
    """CFG-04: so that no password stands on a command line."""
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

    assert "this installation keeps its data in SQLite" in complaint(without)
    assert with_one.exit_code == 0, with_one.output


def test_a_dump_of_a_newer_server_works_or_says_so(verify: Verify, postgres_url: str):
    dump = pg_dump(postgres_url)
    version = dump.split(b"-- Dumped from database version ")[1].split(b".")[0].split(b" ")[0]
    newer = dump.replace(b"database version " + version, b"database version 99")
    setting = newer.replace(b"SET lock_timeout = 0;\n", b"SET lock_timeout = 0;\nSET a_later_timeout = 0;\n")
    statement = newer.replace(b"CREATE TABLE ", b"CREATE SPLENDID TABLE ", 1)

    assert verify(setting).exit_code == 0
    said = complaint(verify(statement))
    assert "The dump is of PostgreSQL 99, and the server it was tried on is" in said


def test_a_statement_the_server_refuses_is_told_without_its_content(verify: Verify, postgres_url: str):
    broken = pg_dump(postgres_url).replace(b"CREATE TABLE ", b"SELECT 'canary'::integer;\nCREATE TABLE ", 1)

    said = complaint(verify(broken))

    assert "InvalidTextRepresentationError" in said
    assert "canary" not in said


@pytest.mark.parametrize(
    "harm",
    [
        r"\! touch {marker}",
        r"SELECT 1 \! touch {marker}",
        r"SELECT 1; \! touch {marker}",
        r"\o | touch {marker}",
        r"\copy (SELECT 1) TO PROGRAM 'touch {marker}'",
        r"\setenv PAGER 'touch {marker}'",
        r"\i {marker}",
        r"\connect {database}",
        r"\connect {database}" + "\nDROP TABLE users;",
        "\\unrestrict x; \\! touch {marker}",
        "COPY (SELECT 1) TO PROGRAM 'touch {marker}';",
        "COPY (SELECT 1) TO '{marker}';",
        "COPY public.alembic_version FROM stdin;",
        "COPY public.alembic_version\nFROM STDIN WITH CSV;",
        "SELECT 1; copy (SELECT 1) TO stdout;",
        "CREATE EXTENSION dblink;",
        "DROP DATABASE\n{database};",
        "COMMIT; DROP DATABASE\n{database};",
        "ALTER DATABASE {database} RENAME TO gone;",
        "ALTER SYSTEM SET log_statement = 'all';",
        "CREATE ROLE evil SUPERUSER;",
        "SET SESSION AUTHORIZATION {superuser};\nALTER ROLE {superuser} PASSWORD NULL;",
    ],
)
def test_a_dump_that_means_harm_is_refused_and_does_none(
    verify: Verify,
    postgres_url: str,
    cluster: Cluster,
    tmp_path: Path,
    databases: Callable[[], set[str]],
    harm: str,
):
    """What psql would do for it included."""
    before = databases()
    marker = tmp_path / "marker"
    names = {"marker": marker, "database": urlsplit(postgres_url).path[1:], "superuser": urlsplit(cluster.url).username}
    harmful = "\n\n" + harm.format(**names) + "\n\n"
    dump = pg_dump(postgres_url).replace(b"\n\n", harmful.encode(), 1)

    complaint(verify(dump))

    assert not marker.exists()
    assert databases() == before
    assert b"CREATE TABLE public.users" in pg_dump(postgres_url)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER ROLE CURRENT_USER PASSWORD 'mine';", CHANGED),
        ("DO $$ BEGIN EXECUTE 'ALTER RO' || 'LE CURRENT_USER PASSWORD ''mine'''; END $$;", CHANGED),
        ("ALTER ROLE CURRENT_USER SET search_path = evil;", CHANGED),
        ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user;", ""),
        (STUBBORN, CHANGED),
    ],
)
def test_what_a_dump_does_to_its_own_role_and_connections_is_told(
    verify: Verify, postgres_url: str, databases: Callable[[], set[str]], change: str, told: str
):
    """PostgreSQL cannot forbid it; the scratch database goes all the same."""
    before = databases()

    said = complaint(verify(pg_dump(postgres_url).replace(b"\n\n", f"\n\n{change}\n\n".encode(), 1)))

    assert told in said
    assert databases() == before


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("SET statement_timeout = 0;\nSELECT pg_sleep(600);", "is not over after"),
        ("DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$;", "is not over after"),
        ("SELECT '" + "COPY " * 150_000 + ";", "is not over after"),
        ("CREATE TABLE big AS SELECT repeat(md5(n::text), 99) FROM generate_series(1, 1000000) AS n;", "grows beyond"),
        ("SELECT '" + "x" * 2000 + "';", "is longer than"),
        ("SELECT '\n" + "x\n" * 4000 + "';", "does not end"),
    ],
)
def test_a_dump_has_so_much_time_and_room_and_no_more(
    verify: Verify,
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    databases: Callable[[], set[str]],
    harm: str,
    told: str,
):
    """Whatever it is busy with, it is ended, and nothing of it stays."""
    before = databases()
    monkeypatch.setattr("focys.cli.backup.trial.TRIAL_SECONDS", 4 if "over" in told else 60)
    monkeypatch.setattr("focys.cli.backup.trial.LEAST_ROOM", 32 * 1024 * 1024)
    monkeypatch.setattr("focys.cli.backup.trial.TIMES_ITS_SIZE", 1)
    if "over" not in told:
        monkeypatch.setattr("focys.cli.backup.dump.LINE_BYTES", 1000)
        monkeypatch.setattr("focys.cli.backup.restoring.STATEMENT_BYTES", 5000)

    said = complaint(verify(pg_dump(postgres_url).replace(b"\n\n", f"\n\n{harm}\n\n".encode(), 1)))

    assert told in said
    assert databases() == before


def test_what_is_quoted_from_a_dump_is_no_command_for_the_terminal(verify: Verify, postgres_url: str):
    row = b"FROM stdin;\n" + needed_revision().encode() + b"\n"
    dump = pg_dump(postgres_url)
    assert dump.count(row) == 1

    result = verify(dump.replace(row, b"FROM stdin;\n\x1b]0;canary\x07\x1b[2J\n"))

    assert result.exit_code == 1
    assert "at ?]0;canary" in " ".join(result.stdout.split())
    assert "\x1b" not in result.output


def test_what_looks_like_a_command_in_a_row_is_a_row(verify: Verify, postgres_url: str, tmp_path: Path):
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
