"""The runbook's section of that name, block by block, on the two database roles of production."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from focys.infra.db.schema import migrate
from tests.cluster import Cluster, find_programs
from tests.conftest import SECRET_KEY, settings_for, world_on
from tests.deploy.shipped import ROOT
from tests.support.clock import FrozenClock
from tests.support.guide import postgres_environment
from tests.support.processes import PROGRAMS, copy_backend, environment
from tests.support.roles import Roles, two_roles
from tests.support.service import World

DANA = "dana@example.com"
OFFICE = "203.0.113.7"
BLOCK_SECONDS = 60


@dataclass(frozen=True)
class Machine:
    """The folders and programs that the blocks name."""

    folder: Path
    roles: Roles
    env: dict[str, str]

    async def follow(self, heading: str) -> list[str]:
        """Run the blocks below a heading as they stand, and return what each printed."""
        text = (ROOT / "docs" / "RUNBOOK.md").read_text()
        part = text.split("\n## Somebody cannot sign in\n")[1].split("\n## ")[0]
        part = part.split(f"### {heading}\n")[1].split("\n### ")[0]
        blocks = re.findall(r"^```bash\n(.*?)^```", part, flags=re.MULTILINE | re.DOTALL)
        assert blocks, heading
        return [await asyncio.to_thread(self._run, block) for block in blocks]

    def _run(self, block: str) -> str:
        block = block.replace("/etc/focys", f"{self.folder}/etc/focys").replace("focys_db", self.roles.database)
        done = subprocess.run(
            ["bash", "-eu", "-c", block],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=BLOCK_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        return done.stdout

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        """The service, as people meet it; true time, since the commands know no other."""
        async with world_on(self.roles.app, clock=FrozenClock(datetime.now(UTC))) as world:
            yield world


@pytest.fixture
def machine(cluster: Cluster, tmp_path: Path) -> Iterator[Machine]:
    backend = copy_backend(tmp_path)
    for place in ("etc/focys", "bin"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "bin/sudo").write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    (tmp_path / "bin/sudo").chmod(0o755)
    with two_roles(cluster) as roles:
        assert roles.prepare().stderr == ""
        migrate(settings_for(roles.owner).database)
        assert roles.grant().stderr == ""
        (backend / ".env").write_text(f"DATABASE_URL={roles.app}\nSECRET_KEY={SECRET_KEY}\n")
        (tmp_path / "etc/focys/owner_database_url").write_text(f"{roles.owner}\n")
        path = f"{tmp_path}/bin:{PROGRAMS}:{find_programs()}"
        env = {**postgres_environment(cluster.url), **environment(backend)}
        yield Machine(tmp_path, roles, {**env, "PATH": f"{path}:{env['PATH']}"})


async def test_an_operator_sees_what_happened_and_unlocks_the_account(machine: Machine):
    async with machine.world() as world:
        dana = await world.an_account(DANA, enrolled=True)
        browser = await world.at_second_factor(dana, world.a_browser("198.51.100.9"))
        for code in ("000000", "000001", "000002", "000003", "000004"):
            last = await browser.offer(code)
        assert last.json()["code"] == "account_locked"

        [seen] = await machine.follow("Ask first")
        [opened] = await machine.follow("Unlock")

        assert (await browser.offer(dana.code(world.clock))).json()["step"] == "done"
    assert all(word in seen for word in (DANA, "198.51.100.9", "refused: wrong code", "locked until", "live"))
    assert "Unlocked dana@example.com." in opened


async def test_a_new_password_and_the_clocks(machine: Machine):
    async with machine.world() as world:
        dana = await world.an_account(DANA, enrolled=True)
        _, token = await world.signed_in(dana)

        [said] = await machine.follow("A new password")
        [clocks] = await machine.follow("A wrong clock")

        assert (await world.a_browser().me(token)).status_code == 401
        refused = await world.a_browser().sign_in_with_password(dana)
        dana.password = said.splitlines()[-1]
        assert (await world.a_browser().sign_in_with_password(dana)).json()["step"] == "totp"
    assert "Set the password of dana@example.com." in said
    assert refused.json()["code"] == "invalid_credentials"
    assert all(word in clocks for word in (DANA, "clock", "time", "phones"))


async def test_a_lost_phone(machine: Machine):
    """ADM-03: the next sign-in sets up another app."""
    async with machine.world() as world:
        dana = await world.an_account(DANA, enrolled=True)

        [said] = await machine.follow("A lost phone")

        assert (await world.a_browser().sign_in_with_password(dana)).json()["step"] == "email_code"
    assert "Reset the second step of dana@example.com." in said


async def test_an_operator_unlocks_an_office(machine: Machine):
    async with machine.world() as world:
        dana = await world.an_account(DANA, enrolled=True)
        for number in range(30):
            body = {"email": f"someone{number % 6}@student.com", "password": "wrong"}
            await world.a_browser(OFFICE).post("/auth/login", body)
        waits = await world.a_browser(OFFICE).sign_in_with_password(dana)

        shown, unlocked, told = await machine.follow("Locked out by address")

        free = await world.a_browser(OFFICE).sign_in_with_password(dana)
    assert waits.json()["code"] == "throttled"
    assert f"{OFFICE}\twaits\t30 of 30\t6 of 20" in shown
    assert f"Unlocked {OFFICE}." in unlocked
    assert free.json()["step"] == "totp"
    assert "proxies" in told


async def test_old_events_are_pruned_by_the_owner(machine: Machine):
    [said] = await machine.follow("Delete old audit events")

    assert "Deleted 0 events older than 365 days." in said
