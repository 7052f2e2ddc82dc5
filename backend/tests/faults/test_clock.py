"""Clocks are stepped both ways under the running service: its own machine's, and the database's, which it follows."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from time import monotonic

import httpx
import pytest

from focys.infra.db.schema import migrate
from focys.running import CLOCK_READING_SECONDS
from focys.services import build_services
from tests.cluster import running_postgres
from tests.conftest import settings_for
from tests.deploy.service import service_in
from tests.faults.report import Tell
from tests.support import hash_costs
from tests.support.faketime import SteppedClock
from tests.support.processes import Server, serving
from tests.support.service import Account
from tests.support.workers import RemoteBrowser, Workers, code_of, tally, wrong_codes

MINUTE, HOUR = 60, 3600
ATTEMPTS_AT_ONCE = 30
FOLLOWED_SECONDS = 4 * CLOCK_READING_SECONDS
GUNICORN_TIMEOUT = 6


@dataclass(frozen=True)
class Timed:
    """The deployed service on PostgreSQL, each with a clock that a test may step."""

    server: Server
    database_url: str
    of_service: SteppedClock
    of_database: SteppedClock


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Timed]:
    folder = tmp_path_factory.mktemp("clock")
    folder.chmod(0o755)
    clocks = []
    for name in ("service", "database"):
        (folder / name).mkdir(mode=0o755)
        clocks.append(SteppedClock(folder / name))
    of_service, of_database = clocks
    with running_postgres(own=True, environment=of_database.environment) as cluster:
        url = cluster.create_database("clock")
        migrate(settings_for(url).database)
        server = service_in(folder, url, workers=2, worker_timeout=GUNICORN_TIMEOUT, **of_service.environment)
        with serving(server):
            yield Timed(server, url, of_service, of_database)


@pytest.fixture
async def workers(timed: Timed) -> AsyncIterator[Workers]:
    running = Workers([timed.server], build_services(settings_for(timed.database_url, **hash_costs.FULL)))
    yield running
    await running.close()


async def test_a_wrong_clock_on_the_service_machine_changes_nothing(timed: Timed, workers: Workers, tell: Tell):
    """AVL-07, LOCK-14: it follows the database's; only the doctor minds."""
    signed_in = await workers.an_account(enrolled=True)
    locked = await workers.an_account(enrolled=True)
    [browser] = await workers.at_second_factor(signed_in)
    token = (await browser.offer(code_of(signed_in))).json()["access_token"]
    [guesser] = await workers.at_second_factor(locked)
    refused = [await guesser.offer(code) for code in wrong_codes(locked, 5)]

    lost = {"sessions": 0, "locks": 0, "sign-ins": 0, "codes refused": 0}
    accepted_of_the_wrong_time = 0
    for seconds in (2 * HOUR, -2 * HOUR):
        timed.of_service.step_to(seconds)
        me = await browser.http.get(f"{timed.server.url}/auth/me", headers={"Authorization": f"Bearer {token}"})
        held = await guesser.offer(code_of(locked))
        newcomer = await workers.an_account(enrolled=True)
        [other] = await workers.at_second_factor(newcomer)
        wrong = await other.offer(code_of(newcomer, seconds // 30))
        right = await other.offer(code_of(newcomer))
        lost["sessions"] += me.status_code != 200
        lost["locks"] += held.json()["code"] != "account_locked" or not 0 < held.json()["retry_after"] <= 900
        lost["sign-ins"] += right.status_code != 200
        accepted_of_the_wrong_time += wrong.status_code == 200
        doctor = await asyncio.to_thread(timed.server.run, "focys", "doctor")
        assert f"this machine is 7200 s {'ahead of' if seconds > 0 else 'behind'} the database" in doctor.stdout, (
            doctor.stdout
        )
    timed.of_service.step_to(0)

    assert tally(refused) == {"invalid_code": 4, "account_locked": 1}
    assert accepted_of_the_wrong_time == 0
    tell("Stepped the service's clock two hours ahead and two hours back, under two workers", lost=lost)


async def test_workers_outlive_a_clock_that_is_set_back(timed: Timed):
    """Uvicorn times its reports to gunicorn by the wall clock, and gunicorn kills workers that do not report."""
    before = set(timed.server.children())

    timed.of_service.step_to(-2 * HOUR)
    await asyncio.sleep(2 * GUNICORN_TIMEOUT)
    timed.of_service.step_to(0)

    assert set(timed.server.children()) == before


async def test_a_database_clock_stepped_back_and_ahead_loses_nothing(timed: Timed, workers: Workers, tell: Tell):
    ann, bob, cid = [await workers.an_account(enrolled=True) for _ in range(3)]
    [at_ann] = await workers.at_second_factor(ann)
    spent = code_of(ann)
    watch = Watch(timed, at_ann, (await at_ann.offer(spent)).json()["access_token"])
    [guesser] = await workers.at_second_factor(bob)
    assert tally([await guesser.offer(code) for code in wrong_codes(bob, 5)])["account_locked"] == 1

    # Back by ten minutes: no code of Ann's is good, neither the spent one nor those of the time it is said to be.
    await watch.step_to(-10 * MINUTE)
    [again] = await workers.at_second_factor(ann)
    denied = [await again.offer(code) for code in (spent, code_of(ann, -20), code_of(ann, 1))]
    [guesser] = await workers.at_second_factor(bob)
    held_back_then = await guesser.offer(code_of(bob, -20))

    # Ahead by an hour: what waits is over, and a code of that time is good.
    await watch.step_to(HOUR)
    [at_bob] = await workers.at_second_factor(bob)
    opened = await at_bob.offer(code_of(bob, 120))
    [at_cid] = await workers.at_second_factor(cid)
    locked_ahead = [await at_cid.offer(code) for code in wrong_codes(cid, 5)]

    # Right again: Bob's lock runs on for strangers, and his last step lies ahead until an operator repairs it.
    await watch.step_to(0)
    [late] = await workers.at_second_factor(ann)
    replayed = await late.offer(spent)
    fresh = await late.offer(code_of(ann, 1))
    [stranger] = await workers.at_second_factor(bob)
    held_now = await stranger.offer(code_of(bob))
    assert await at_bob.sign_in_with_password(bob) == "totp"
    ahead = await at_bob.offer(code_of(bob))
    [held] = await workers.at_second_factor(cid)
    not_for_ever = await held.offer(code_of(cid))
    repaired = await asyncio.to_thread(timed.server.run, "focys", "users", "unlock", bob.email)
    fixed = await at_bob.offer(code_of(bob, 1))
    still_in = [await refreshed(browser) for browser in (at_ann, at_bob)]

    assert tally(denied) == {"clock_fault": 3}, [response.text for response in denied]
    for held_then in (held_back_then, held_now):
        assert held_then.json()["code"] == "account_locked"
        assert held_then.json()["retry_after"] <= 15 * MINUTE
    assert tally(locked_ahead)["account_locked"] == 1
    assert replayed.json()["code"] in {"code_already_used", "code_expired"}, replayed.text
    assert (ahead.status_code, ahead.json()["code"]) == (503, "clock_fault")
    assert "clock is wrong" in ahead.json()["detail"]
    assert repaired.returncode == 0, repaired.stderr
    assert await clock_faults(workers, ann, bob) == [3, 1]
    counted = await at_ann.http.get(f"{timed.server.url}/metrics")
    assert 'reason="clock_fault"' in counted.text
    tell(
        "Stepped PostgreSQL's clock ten minutes back, an hour ahead and right again, under the running service",
        lost={
            "spent codes": [response.is_success for response in (*denied, replayed)].count(True),
            "locks that vanished": [response.is_success for response in (held_back_then, held_now)].count(True),
            "locks that became eternal": not_for_ever.status_code != 200,
            "sign-ins": [response.status_code == 200 for response in (opened, fresh, fixed)].count(False),
            "sessions": still_in.count(False),
        },
    )


@dataclass
class Watch:
    """Steps the database's clock, and sees by a token of its own when all workers have followed."""

    timed: Timed
    browser: RemoteBrowser
    token: str

    async def step_to(self, seconds: int) -> None:
        self.timed.of_database.step_to(seconds)
        await self._until({401})
        response = await self.browser.post("/auth/refresh")
        self.token = response.json()["access_token"]
        await self._until({200})

    async def _until(self, wanted: set[int]) -> None:
        """The token is from another time for a worker that has followed, and of now for those that have not."""
        deadline = monotonic() + FOLLOWED_SECONDS
        while True:
            async with httpx.AsyncClient(timeout=30) as many:
                asked = (
                    many.get(f"{self.timed.server.url}/auth/me", headers={"Authorization": f"Bearer {self.token}"})
                    for _ in range(ATTEMPTS_AT_ONCE)
                )
                seen = {response.status_code for response in await asyncio.gather(*asked)}
            if seen == wanted:
                return
            assert monotonic() < deadline, f"the workers do not follow the database's clock: {seen}"
            await asyncio.sleep(0.5)


async def refreshed(browser: RemoteBrowser) -> bool:
    return (await browser.post("/auth/refresh")).status_code == 200


async def clock_faults(workers: Workers, *people: Account) -> list[int]:
    return [await workers.rows_of("audit_events", person.id, "reason = 'clock_fault'") for person in people]
