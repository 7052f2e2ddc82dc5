"""A synchronous standby of one of the tests' PostgreSQL servers: what is committed on one is on both disks."""

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]

from tests.cluster import ClusterError, OwnCluster, find_programs, folder_that_goes_with_us
from tests.support.waiting import until


class Standby(OwnCluster):
    """A copy of another server, which follows it until it is promoted."""

    def __init__(self, folder: Path, primary: OwnCluster) -> None:
        self._primary_url = primary.url
        super().__init__(folder, find_programs())

    def promote(self) -> None:
        """Have it accept writes."""
        asyncio.run(_ask(self.url, "SELECT pg_promote()"))

    def _initialize(self) -> None:
        # The copy has the same roles.
        self._password = urlsplit(self._primary_url).password or ""
        program = self._programs / "pg_basebackup"
        options = ["--checkpoint=fast", "--no-sync", "--write-recovery-conf", f"--dbname={self._primary_url}"]
        command = [*self._prefix, str(program), "--pgdata", str(self._folder / "data"), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ClusterError(f"pg_basebackup failed: {done.stderr}")


@contextlib.contextmanager
def standby_of(primary: OwnCluster) -> Iterator[Standby]:
    """Run a standby on which every commit of the primary waits."""
    with folder_that_goes_with_us() as folder:
        standby = Standby(folder, primary)
        standby.start()
        try:
            asyncio.run(
                _ask(primary.url, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
            )
            until(lambda: asyncio.run(_ask(primary.url, "SELECT sync_state FROM pg_stat_replication")) == "sync")
            yield standby
        finally:
            standby.stop()


async def _ask(url: str, *statements: str) -> object:
    """Run statements and return the value of the last one."""
    connection: asyncpg.Connection = await asyncpg.connect(url)
    try:
        value = None
        for statement in statements:
            value = await connection.fetchval(statement)
        return value
    finally:
        await connection.close()
