"""The doctor on a deployed server: each fault is planted, named by a plain `focys doctor`, and fixed by its advice.

The server is the one of the documents (`server/`): Debian with systemd, PostgreSQL, nginx and certbot, set up by
DEPLOYMENT and RUNBOOK. One is enough for all faults; each is undone by following the doctor's advice alone. It needs
root, like the tests of the documents.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from focys.infra.ops.clock import SystemClock
from tests.deploy.doctor import faults_database, faults_front, faults_machine
from tests.deploy.doctor.fault import commands_in
from tests.deploy.doctor.visit import Visit
from tests.deploy.server.blocks import DOCS, Block, blocks_of, packages_of
from tests.deploy.server.image import ImageError, image_with
from tests.deploy.server.machine import Machine, running_machine
from tests.deploy.server.outside import outside_of
from tests.deploy.server.plan import ELSEWHERE
from tests.deploy.server.walk import Outcome
from tests.deploy.shipped import DOMAIN
from tests.deploy.test_documents import ANSWERS, sign_in_first

FAULTS = {fault.name: fault for fault in (*faults_machine.FAULTS, *faults_front.FAULTS, *faults_database.FAULTS)}
AGREE = "the service, the command line and the doctor read the same settings"
WELL = "a deployed server is well"
SHARED_SETTING = """
setting TRUSTED_PROXIES 0.0.0.0/0
systemctl restart focys-backend
curl -sS -H 'X-Forwarded-For: 198.51.100.9' -H 'Content-Type: application/json' -H 'Host: login.example.com' \\
    -H 'Origin: https://login.example.com' -d '{"email": "nobody@example.com", "password": "wrong-wrong-1"}' \\
    http://127.0.0.1:8000/auth/login
sudo -u postgres psql -Atc "SELECT source FROM audit_events ORDER BY at DESC LIMIT 1" focys_db | grep -x 198.51.100.9
(cd /app/backend && focys doctor) | grep 'every client is trusted'
(cd /app/backend && runuser -u focys -- /app/venv/bin/python -c \\
    'from focys.settings import load_settings; print(load_settings().trusted_proxies)') | grep '0.0.0.0/0'
good /etc/focys/focys.env
systemctl restart focys-backend
"""
ALL_SECONDS = 2400


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> dict[str, Outcome]:
    """What came of every fault."""
    if os.geteuid() != 0:
        pytest.skip(
            "The doctor's advice was NOT tried: that takes a server with users of its own, so run this as root."
        )
    return dict(_tried(tmp_path_factory.mktemp("outside"), pytestconfig.getoption("--release")))


def _tried(folder: Path, release: str | None) -> Iterator[tuple[str, Outcome]]:
    documents = [*blocks_of(DOCS / "DEPLOYMENT.md"), *blocks_of(DOCS / "RUNBOOK.md")]
    try:
        with (
            image_with(packages_of(documents), release) as image,
            running_machine(image) as machine,
            outside_of(machine, folder),
        ):
            _deploy(machine, folder, documents)
            yield from _all_faults(Visit(machine))
    except ImageError as fault:
        yield from ((name, Outcome(passed=False, words=str(fault))) for name in (*FAULTS, AGREE, WELL))


def _all_faults(visit: Visit) -> Iterator[tuple[str, Outcome]]:
    # The kernel's clock is the host's.
    unusual = visit.usual - {"time"}
    yield WELL, Outcome(passed=not unusual, words=str(unusual))
    for name, fault in FAULTS.items():
        yield name, visit.try_out(fault)
    problem = visit.do(SHARED_SETTING)
    yield AGREE, Outcome(passed=not problem, words=problem)


def _deploy(machine: Machine, folder: Path, documents: list[Block]) -> None:
    wanted = [block for block in documents if block.document == "DEPLOYMENT.md" and block.heading not in ELSEWHERE]
    wanted += [block for block in documents if block.heading == "Every night"]
    for block in wanted:
        ran = machine.run(block.commands, ANSWERS)
        assert ran.code == 0, f"{block.name}: {ran.output[-2000:]}"
    signed_in = sign_in_first(machine, folder)
    assert signed_in.passed, signed_in.words
    put_certificates(machine.root / "var" / "tmp" / "certificates", folder)


def put_certificates(place: Path, folder: Path) -> None:
    """Write certificates for the site, each wrong in its own way, but otherwise from a trusted authority."""
    known = trustme.CA.from_pem((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())
    now = SystemClock().now()
    issued = {
        "expired": known.issue_cert(DOMAIN, not_before=now - timedelta(days=90), not_after=now - timedelta(days=1)),
        "expiring": known.issue_cert(DOMAIN, not_after=now + timedelta(days=4, hours=12)),
        "other": known.issue_cert("www.example.com"),
        "unknown": trustme.CA().issue_cert(DOMAIN),
    }
    for name, certificate in issued.items():
        own = place / name
        own.mkdir(parents=True)
        for part in ("cert", "chain", "fullchain"):
            certificate.cert_chain_pems[0].write_to_path(own / f"{part}.pem")
        certificate.private_key_pem.write_to_path(own / "privkey.pem")


@pytest.mark.timeout(ALL_SECONDS)
@pytest.mark.parametrize("name", [WELL, *FAULTS, AGREE])
def test_the_doctor_names_each_fault_and_its_advice_fixes_it(name: str, outcomes: dict[str, Outcome]):
    """CFG-12: exit status 1 for what keeps people from signing in, 0 for a warning."""
    outcome = outcomes[name]

    if not outcome.passed:
        pytest.fail(outcome.words, pytrace=False)


@pytest.mark.parametrize(
    ("advice", "commands"),
    [
        ("systemctl restart nginx; if that changes nothing, enable its site", ["systemctl restart nginx"]),
        ("name the primary; if this is to be it: sudo psql -qc 'SELECT 1'", ["sudo psql -qc 'SELECT 1'"]),
        ("DATABASE_URL_FILE=/x focys migrate && sudo true", ["DATABASE_URL_FILE=/x focys migrate && sudo true"]),
        ("systemctl restart a; or b; then: systemctl reload c", ["systemctl restart a", "systemctl reload c"]),
        ("set APP_NAME to your service's name", []),
    ],
)
def test_commands_are_taken_from_the_advice(advice: str, commands: list[str]):
    assert commands_in(advice) == commands
