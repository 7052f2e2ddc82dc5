"""The runbook's blocks as they stand: finding the part, letting people in for a while, upgrading, and going back."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from focys.infra.db.schema import SCHEMA
from tests.deploy.server.blocks import DOCS, Block, blocks_of
from tests.support.guide import ALICE, PASSWORD, psql, sign_in, step_of, walk_the_first_login
from tests.support.runbook import Machine, a_machine
from tests.support.versions import NEXT

NAMED = "you@example.com"


@pytest.fixture
def machine(tmp_path: Path, focys_db: str) -> Iterator[Machine]:
    """A server on which the service runs and Alice is enrolled."""
    with a_machine(tmp_path, focys_db) as machine:
        machine.done("alembic upgrade head")
        machine.done(f"focys users create {ALICE} --password-stdin", typed=PASSWORD)
        machine.done("systemctl start focys-backend")
        yield machine


def blocks(heading: str) -> list[Block]:
    """The blocks under one heading of the runbook."""
    found = [block for block in blocks_of(DOCS / "RUNBOOK.md") if block.heading == heading]
    assert found, heading
    return found


def revision(machine: Machine) -> str:
    return machine.done('psql --tuples-only --no-align focys_db -c "SELECT version_num FROM alembic_version"').strip()


def test_upgrade_and_rollback_follow_the_runbook(machine: Machine):
    """CFG-08, AVL-09: everybody's authenticator outlives both."""
    secret = walk_the_first_login(machine.server)
    machine.origin.publish_next()

    upgraded = [machine.done(block.commands) for block in blocks("Upgrade")]
    at_next = revision(machine), httpx.get(f"{machine.server.url}/health/ready").status_code
    machine_has_next = list(machine.backend.glob(f"migrations/versions/{NEXT}_*"))
    rolled_back = [machine.done(block.commands) for block in blocks("Roll the code back")]
    at_previous = revision(machine), httpx.get(f"{machine.server.url}/health/ready").status_code

    assert at_next == (NEXT, 200)
    assert len(machine_has_next) == 1
    assert {"totp_secret", "mfa_enabled"} <= set(upgraded[-1].split())
    assert "schema" in upgraded[-1]
    assert len(list((machine.root / "var/backups/focys").glob("backup_*.sql"))) == 1
    assert at_previous == (SCHEMA, 200)
    assert '"status":"' in rolled_back[-1]
    assert list(machine.backend.glob(f"migrations/versions/{NEXT}_*")) == []
    assert sign_in(machine.server, secret) == "done"


def test_after_a_rollback_the_version_after_next_is_installed(machine: Machine):
    """CFG-08: and a rollback never leads to the abandoned version."""
    first = machine.done("git -C /app rev-parse HEAD")
    machine.origin.publish_next()

    for heading in ("Upgrade", "Roll the code back"):
        follow(machine, heading)
    machine.origin.publish_one_after()
    follow(machine, "Upgrade")

    assert machine.done("git -C /app rev-parse previous-version") == first
    assert (machine.backend / "AFTER").exists()
    assert (revision(machine), httpx.get(f"{machine.server.url}/health/ready").status_code) == (NEXT, 200)


def test_an_interrupted_upgrade_and_way_back_can_be_started_again(machine: Machine):
    """CFG-08: after each block."""
    first = machine.done("git -C /app rev-parse HEAD")
    machine.origin.publish_next()

    for heading in ("Upgrade", "Roll the code back"):
        for after in range(1, len(blocks(heading)) + 1):
            for block in blocks(heading)[:after]:
                machine.done(block.commands)

        assert machine.done("git -C /app rev-parse previous-version") == first
    assert machine.done("git -C /app rev-parse HEAD") == first
    assert (revision(machine), httpx.get(f"{machine.server.url}/health/ready").status_code) == (SCHEMA, 200)


def follow(machine: Machine, heading: str) -> None:
    for block in blocks(heading):
        machine.done(block.commands)


def test_diagnosis_and_bypass_follow_the_runbook(machine: Machine, focys_db: str):
    """ADM-07: the part is found, people are let in for a while, and it is over when the operator says so."""
    walk_the_first_login(machine.server)
    machine.done(f"focys users create {NAMED} --password-stdin", typed="a-lantern-by-the-river-77")
    psql(focys_db, f"psql {machine.name} -c \"UPDATE users SET mfa_enabled = true WHERE email = '{NAMED}'\"")

    (look,) = [machine.done(block.commands) for block in blocks("Find the part")]
    named, everybody, end = blocks("Let people in for a while")
    steps, said = [step_of(machine.server)], []
    for block in (named, everybody, end):
        said.append(machine.done(block.commands))
        steps.append(step_of(machine.server))

    assert look.startswith("active\nactive\nactive\n")
    assert '"status":"' in look
    assert "mfa bypass" in look
    assert "MFA enrolment ok" in look
    assert steps == ["totp", "totp", "done", "totp"]
    assert f"UTC, {NAMED} can sign in with the password alone." in said[0]
    assert "everyone but administrators can sign in with the password alone." in said[1]
    assert "Ended the bypass for" in said[2]
