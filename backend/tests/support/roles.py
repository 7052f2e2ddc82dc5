"""The two database roles of production on a real PostgreSQL, made by the shipped scripts."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit
from uuid import uuid4

from focys.infra.db.schema import migrate
from tests.cluster import Cluster, find_programs
from tests.conftest import settings_for
from tests.support.processes import BACKEND

SCRIPTS = BACKEND.parent / "deploy" / "postgres"
PASSWORD = r"it's \ a :'password' \"with\" $everything;"
COMMAND_SECONDS = 110


@dataclass(frozen=True)
class Roles:
    """A database of its own, as each of its two roles and as the superuser reaches it."""

    owner_role: str
    app_role: str
    database: str
    owner: str
    app: str
    superuser: str
    server: str

    def prepare(self, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run roles.sql as the superuser would."""
        variables = {
            "owner_role": self.owner_role,
            "app_role": self.app_role,
            "database": self.database,
            "owner_password": PASSWORD,
            "app_password": PASSWORD,
        }
        return psql(self.server, SCRIPTS / "roles.sql", **(variables | changed))

    def grant(self) -> subprocess.CompletedProcess[str]:
        """Run grants.sql as the owner would."""
        return psql(self.owner, SCRIPTS / "grants.sql", app_role=self.app_role)


@contextmanager
def two_roles(cluster: Cluster) -> Iterator[Roles]:
    """Yield names that nobody else uses; nothing is made yet, and all of it is gone afterwards."""
    mark = uuid4().hex[:8]
    owner, app, database = f"owner_{mark}", f"app_{mark}", f"roles_{mark}"
    there = urlsplit(cluster.url)._replace(path=f"/{database}")
    try:
        yield Roles(
            owner_role=owner,
            app_role=app,
            database=database,
            owner=_as(owner, there),
            app=_as(app, there),
            superuser=urlunsplit(there),
            server=cluster.url,
        )
    finally:
        cluster.drop_database(database)
        psql_command(cluster.url, f"DROP ROLE IF EXISTS {owner}", f"DROP ROLE IF EXISTS {app}")


@contextmanager
def production_roles(cluster: Cluster) -> Iterator[Roles]:
    """Yield a database as production has it: made, migrated and granted by what is shipped."""
    with two_roles(cluster) as made:
        assert made.prepare().stderr == ""
        migrate(settings_for(made.owner).database)
        assert made.grant().stderr == ""
        yield made


def psql(url: str, file: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script of SQL with psql."""
    given = [f"--set={name}={value}" for name, value in variables.items()]
    return _psql(url, *given, "--file", str(file))


def psql_command(url: str, *statements: str) -> None:
    """Run statements with psql, each a transaction of its own."""
    done = _psql(url, *(f"--command={statement}" for statement in statements))
    assert done.returncode == 0, done.stderr


def _psql(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(find_programs() / "psql"), "--no-psqlrc", "--quiet", *arguments, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)


def _as(role: str, there: SplitResult) -> str:
    place = there.netloc.rpartition("@")[2]
    return urlunsplit(there._replace(netloc=f"{role}:{quote(PASSWORD, safe='')}@{place}"))
