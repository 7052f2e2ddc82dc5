"""Backups as an operator makes and restores them: pg_dump, psql, and a role that may make databases and nothing else."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import uuid4

from typer.testing import Result

from tests.cluster import Cluster, find_programs
from tests.support.roles import psql_command

SECONDS = 110

STUBBORN = """
ALTER ROLE CURRENT_USER SET default_transaction_read_only = on;
ALTER ROLE CURRENT_USER SET statement_timeout = 1;
DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' IS_TEMPLATE true'; END $$;
COMMIT;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user;
"""
"""What a dump can run to keep its scratch database from being dropped."""


def of_postgres(url: str, **more: str) -> dict[str, str]:
    """The environment in which PostgreSQL's own programs reach a database without a word on the command line."""
    parts = urlsplit(url)
    reached = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/"),
    }
    path = os.pathsep.join([str(find_programs()), os.environ["PATH"]])
    return {**os.environ, **reached, "PATH": path, **more}


def pg_dump(url: str, *options: str) -> bytes:
    """What pg_dump writes."""
    done = subprocess.run(["pg_dump", *options], env=of_postgres(url), capture_output=True, timeout=SECONDS, check=True)
    return done.stdout


def restore(url: str, dump: Path) -> None:
    """Restore a plain dump as the documents say."""
    with dump.open("rb") as script:
        command = ["psql", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
        done = subprocess.run(
            command, env=of_postgres(url), stdin=script, capture_output=True, timeout=SECONDS, check=False
        )
    assert done.returncode == 0, done.stderr


@contextmanager
def scratch_role(cluster: Cluster, rights: str = "CREATEDB") -> Iterator[str]:
    """Yield the URL by which a role that has only these rights reaches the server."""
    name = f"verify_{uuid4().hex[:8]}"
    psql_command(cluster.url, f"CREATE ROLE {name} LOGIN {rights} PASSWORD 'scratch-password'")
    parts = urlsplit(cluster.url)
    place = parts.netloc.rpartition("@")[2]
    try:
        yield urlunsplit(parts._replace(netloc=f"{name}:scratch-password@{place}"))
    finally:
        psql_command(cluster.url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def line_of(result: Result, name: str) -> str:
    """The report's line about one item, with its fix."""
    text = " ".join(result.stdout.split())
    assert f" {name} " in text, text
    after = text.split(f" {name} ", 1)[1]
    return after.split(" ✓ ")[0].split(" ! ")[0].split(" ✗ ")[0]


def states_of(result: Result) -> dict[str, str]:
    """Each line's state, by item."""
    rows = [line.split(maxsplit=2) for line in result.stdout.splitlines() if line[:1] in "✓!✗" and line[:1]]
    names = ("backup", "schema", "migrations", "accounts", "secrets", "plaintext", "hashes", "age")
    return {next(n for n in names if rest.startswith(n)): state for _, state, rest in rows}
