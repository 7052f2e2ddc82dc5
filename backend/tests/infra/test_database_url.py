"""DATABASE_URL as managed PostgreSQL hands it out: each form of libpq works, or is refused in one sentence."""

import socket
from contextlib import suppress
from urllib.parse import quote, urlsplit

import pytest
from sqlalchemy import func, select

from focys.infra.db.connecting import Hosts
from focys.infra.db.postgres import Postgres
from focys.settings import SettingsError, load_settings
from focys.settings.database_url import AddressError, environment, options_of, other_database
from tests.conftest import settings_for

LOGIN = {"user": "u", "password": "p", "dbname": "d"}
HOST = {**LOGIN, "host": "h"}


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("postgresql://u:p@h/d", HOST),
        ("postgres://u:p@h/d", HOST),
        ("postgresql+asyncpg://u:p@h/d", HOST),
        ("  postgresql://u:p@h/d\n", HOST),
        ("postgresql://u:p@h:6543/d", {**HOST, "port": "6543"}),
        ("postgresql://u:p%40%3A%2F@h/d", {**HOST, "password": "p@:/"}),
        ("postgresql://u:p@q@h/d", {**HOST, "password": "p@q"}),
        ("postgresql://u:p@[::1]:6543/d", {**HOST, "host": "::1", "port": "6543"}),
        ("postgresql://u:p@%2Fvar%2Frun%2Fpostgresql/d", {**HOST, "host": "/var/run/postgresql"}),
        (
            "postgresql:///d?host=/var/run/postgresql&user=u",
            {"dbname": "d", "host": "/var/run/postgresql", "user": "u"},
        ),
        ("postgresql://u:p@h/d?sslmode=require", {**HOST, "sslmode": "require"}),
        ("postgresql://u:p@h/d?ssl=verify-full", {**HOST, "sslmode": "verify-full"}),
        (
            "postgresql://u:p@h/d?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            {**HOST, "sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"},
        ),
        ("postgresql://u:p@h/d?connect_timeout=10&keepalives=1&gssencmode=disable", {**HOST, "connect_timeout": "10"}),
        ("postgresql://u:p@h/d?channel_binding=prefer&pgbouncer=true", HOST),
        (
            "postgresql://u:p@h/d?application_name=x&options=-csearch_path%3Dy",
            {
                **HOST,
                "application_name": "x",
                "options": "-csearch_path=y",
            },
        ),
        (
            "postgresql://u:p@a:1,b/d",
            {**LOGIN, "host": "a,b", "port": "1,5432", "target_session_attrs": "read-write"},
        ),
        ("postgresql://u:p@a,b/d?target_session_attrs=any", {**LOGIN, "host": "a,b", "target_session_attrs": "any"}),
    ],
)
def test_each_form_is_understood(url: str, options: dict[str, str]):
    assert options_of(url) == options
    assert options_of(other_database(url, "d")) == options


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("mysql://u:p@h/d", "use postgresql://user:password@host/name"),
        ("jdbc:postgresql://h/d", "use postgresql://user:password@host/name"),
        ("postgresql+psycopg2://u:p@h/d", "use postgresql://user:password@host/name"),
        ("postgresql://u:sesame/q@h/d", "%2F"),
        ("postgresql://u:sesame@h/d?channel_binding=require", "sslmode=verify-full"),
        ("postgresql://u:sesame@h/d?prepared_statement_cache_size=0", "'prepared_statement_cache_size' is unknown"),
        ("postgresql://u:sesame@h/d?sslmode=on", "sslmode is one of"),
        ("postgresql://u:sesame@h/d?connect_timeout=soon", "connect_timeout is a number of seconds"),
        ("postgresql://u:sesame@h/d?connect_timeout=0", "at least 1"),
        ("postgresql://u:sesame@h:65536/d", "the port is no number from 1 to 65535"),
        ("postgresql://u:sesame@a,b/d?port=1,2,3", "one port for all hosts"),
        ("postgresql://u:sesame@h/d?port=x", "the port is no number from 1 to 65535"),
        ("postgresql://u:sesame\u2100@h/d", "%40 for #, /, : and @"),
        ("postgresql://u:sesame@[h/d", "use postgresql://user:password@host/name"),
        ("postgresql://u:sesame#1@h/d", "%23"),
        ("postgresql://u:sesame@h/d?require", "no list of options"),
        ("postgresql://u:sesame@h/d#x", "use postgresql://user:password@host/name"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(url: str, hint: str):
    with pytest.raises(SettingsError) as refused:
        load_settings(database_url=url)

    [problem] = refused.value.problems
    assert hint in problem
    assert problem.startswith("DATABASE_URL: ")
    assert "sesame" not in problem


def test_programs_of_postgresql_get_the_same_options():
    url = "postgresql://u:p@h:1/d?sslmode=verify-full&sslrootcert=/etc/ca.pem"

    assert environment(options_of(url)) == {
        "PGHOST": "h",
        "PGPORT": "1",
        "PGUSER": "u",
        "PGPASSWORD": "p",
        "PGDATABASE": "d",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/etc/ca.pem",
    }


@pytest.mark.parametrize(
    ("query", "setting", "value"),
    [
        ("application_name=portal", "application_name", "portal"),
        ("options=-cwork_mem%3D8MB", "work_mem", "8MB"),
        ("connect_timeout=10&sslmode=prefer", "statement_timeout", "3s"),
        ("target_session_attrs=read-write", "transaction_isolation", "read committed"),
    ],
)
async def test_the_server_gets_the_options(postgres_url: str, query: str, setting: str, value: str):
    connections = Postgres(settings_for(f"{postgres_url}?{query}").database, 1)

    [row] = await connections.fetch(select(func.current_setting(setting)), {})

    assert row[0] == value
    await connections.close()


async def test_a_dead_host_is_passed_over(postgres_url: str):
    connections = Postgres(behind(postgres_url, 1), 1)

    [row] = await connections.fetch(select(func.pg_is_in_recovery()), {})

    assert row[0] is False
    await connections.close()


async def test_a_silent_host_is_passed_over_and_asked_last_from_then_on(postgres_url: str):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts, asked = Hosts(behind(postgres_url, silent.getsockname()[1])), 0
        silent.settimeout(0)

        for _ in range(2):
            connection = await hosts.connect(seconds=0.5)
            assert [list(row) for row in await connection.fetch("SELECT 1")] == [[1]]
            connection.terminate()

        with suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                asked += 1
    assert asked == 1


def behind(url: str, port: int) -> str:
    """The same address with another host before it."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    return settings_for(f"postgresql://{login}@127.0.0.1:{port},{host}{parts.path}").database


def test_a_message_quotes_at_most_the_name_of_an_option():
    with pytest.raises(AddressError) as refused:
        options_of(f"postgresql://h/d?{quote('x' * 200)}=sesame")

    assert len(str(refused.value)) < 100
