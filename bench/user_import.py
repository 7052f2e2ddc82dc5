"""The creation of accounts by `focys users import`, compared with Argon2id alone on all cores.

`python -m bench.user_import`
"""

import asyncio
import os
import statistics
import sys
import time
from itertools import count, repeat

from argon2 import PasswordHasher
from focys.features.admin import Import, Row
from focys.features.passwords import new_password
from focys.infra.ops import logs
from focys.infra.web.caller import Caller
from focys.services import build_services
from focys.settings import Settings

from bench import report, servers
from bench.password_step import hash_for, hash_processes
from bench.report import Aim, Effort, Result, Say, ratios

ACCOUNTS_PER_STEP = 1 / 6
OPERATOR = Caller(address="console:bench", network="console:bench", user_agent="bench", request_id="bench")

_OURS, _HASHING = "FOCYS users import", "Argon2id alone"
_numbers = count(1)


def measure(effort: Effort, say: Say) -> Result:
    """Import and hash in turn, round by round, with one database; the import's preview is not included."""
    say("Import: starting a database")
    logs.configure(quiet=True)
    cores = min(os.cpu_count() or 1, 16)
    imported: list[float] = []
    alone: list[float] = []
    with servers.database() as url, hash_processes(cores) as hashers:
        configured = servers.settings(url).model_copy(update={"password_hash_threads": cores})
        hasher = PasswordHasher(configured.password_hash_passes, configured.password_hash_memory_kib, 1)
        for number in range(effort.rounds):
            say(f"Import, round {number + 1} of {effort.rounds}")
            alone.append(sum(hashers.map(hash_for, repeat(hasher, cores), repeat(effort.seconds), chunksize=1)))
            imported.append(asyncio.run(_import(configured, round(effort.steps * ACCOUNTS_PER_STEP))))
    return Result(
        "User import",
        f"{configured.password_hash_memory_kib // 1024} MiB, {configured.password_hash_passes} passes, {cores} cores, "
        "PostgreSQL; each account is committed with its audit event and an email.",
        [
            report.Row(_OURS, f"{statistics.median(imported):,.1f} accounts/s"),
            report.Row(
                f"{_HASHING}, {cores} processes",
                f"{statistics.median(alone):,.1f} hashes/s",
                ratios(imported, alone),
                Aim(0.7, "at least", "%"),
            ),
        ],
    )


async def _import(configured: Settings, accounts: int) -> float:
    """Create this many accounts, and return the accounts per second."""
    rows = [Row(line, f"person{next(_numbers)}@example.com", "", "user") for line in range(accounts)]
    how = Import({row.email: new_password() for row in rows}, configured.public_url, lambda: None)
    services = build_services(configured)
    try:
        began = time.perf_counter()
        skipped = await services.importer.create(rows, how, OPERATOR)
        return (accounts - len(skipped)) / (time.perf_counter() - began)
    finally:
        await services.close()


if __name__ == "__main__":
    sys.exit(report.main(measure, sys.argv[1:]))
