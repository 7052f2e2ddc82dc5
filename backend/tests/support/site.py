"""The whole site for the browser journeys: a process of its own, whose clock the tests move.

    python -m tests.support.site --port 8123 --data FOLDER [--database-url URL] [--set NAME=VALUE …] [--demo]
                                 [--students NUMBER]
    python -m tests.support.site … --reset-mfa EMAIL    # prints the ticket of a running site, as an operator sees it

It is ``focys serve`` with four differences: the clock is ahead by the seconds that stand in FOLDER/offset,
accounts for the journeys stand beside the demo accounts, hashing is cheap, and it ends when its standard input does.
"""

import argparse
import asyncio
import os
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

from focys.app import create_site
from focys.cli.demo import DEMO_ACCOUNTS
from focys.features.accounts import AccountError
from focys.infra.db.schema import migrate
from focys.infra.web.caller import Caller
from focys.services import Services, build_services
from focys.settings import Settings
from tests.support.hash_costs import with_cheap_hashing

SECRET_KEY = "a-key-for-the-journeys-that-is-long-enough-0123456789"
CREATOR = Caller(address="console:test", network="console:test", user_agent="journeys", request_id="journeys")

STUDENT_PASSWORD = "granite-violin-seashore-47"
LONGEST_ADDRESS = f"{'l' * 64}@{'.'.join('ong' * 21 for _ in range(2))}.{'o' * 53}.example"


class MovedClock:
    """The machine's clock, ahead by the seconds that stand in a file."""

    def __init__(self, offset: Path) -> None:
        self._offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._seconds())

    def _seconds(self) -> float:
        return float(self._offset.read_text()) if self._offset.exists() else 0


async def create_accounts(services: Services, students: int) -> None:
    """Create the demo accounts, and *students* of which each journey takes one; once."""
    for address, name, role, password in DEMO_ACCOUNTS:
        try:
            hashed = await services.passwords.choose(password, address)
            await services.accounts.create(
                address, hashed, CREATOR, name=name, role="admin" if role == "admin" else "user"
            )
        except AccountError:
            return
    hashed = await services.passwords.choose(STUDENT_PASSWORD, LONGEST_ADDRESS)
    await services.accounts.create(LONGEST_ADDRESS, hashed, CREATOR, name="W" * 100)
    for number in range(1, students + 1):
        await services.accounts.create(f"student-{number}@student.com", hashed, CREATOR, name=f"Student {number}")


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--reset-mfa", default="")
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--students", type=int, default=1)
    given = parser.parse_args()

    settings = _settings(given)
    clock = MovedClock(given.data / "offset")
    if given.reset_mfa:
        sys.stdout.write(asyncio.run(_reset_mfa(build_services(settings, clock=clock), given.reset_mfa)))
        return
    migrate(settings.database)
    asyncio.run(_prepare(build_services(settings, clock=clock), given.students))

    site = create_site(settings, clock=clock, demo=given.demo)
    server = uvicorn.Server(uvicorn.Config(site, port=given.port, log_config=None, access_log=False))
    threading.Thread(target=_end_with_the_test, args=(server,), daemon=True).start()
    server.run()


async def _reset_mfa(services: Services, address: str) -> str:
    try:
        ticket = await services.administration.reset_mfa(address, CREATOR)
    finally:
        await services.close()
    assert ticket is not None
    return f"Ticket: {ticket.text}\n"


async def _prepare(services: Services, students: int) -> None:
    try:
        await create_accounts(services, students)
    finally:
        await services.close()


def _settings(given: argparse.Namespace) -> Settings:
    # The caller's own configuration stays outside.
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
        os.environ.pop(f"{name.upper()}_FILE", None)
    values = {
        "database_url": given.database_url,
        "cors_origins": "",
        "data_dir": given.data,
        "public_url": f"http://localhost:{given.port}",
        "secret_key": SECRET_KEY,
        **dict(setting.split("=", 1) for setting in given.set),
    }
    return with_cheap_hashing(Settings(_env_file=None, **values))


def _end_with_the_test(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    main()
