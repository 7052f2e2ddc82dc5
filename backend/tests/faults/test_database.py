"""PostgreSQL fails in the middle of a TOTP step: nobody gets in unrecorded, everyone is told, and it goes on by itself.

The step is two statements: its charge, and its verdict. What fails at the second one stays charged, unless PostgreSQL dies
before the charge is on its disk; then nobody has learned the outcome.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import httpx
import pytest
from sqlalchemy import text

from focys.services import Services
from tests.faults.caller import Caller, Line
from tests.faults.deployed import WORKERS, Deployed
from tests.faults.journeys import CONFIRM, LOGIN, REFRESH, TOTP, Journey
from tests.faults.people import Person, some_people
from tests.faults.report import Tell
from tests.faults.traces import half_done, sessions_of
from tests.support.service import PASSWORD

Answers = dict[str, httpx.Response | None]

WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'focys' AND wait_event_type = 'Lock'"
LOCKED = {
    "its charge": "SELECT 1 FROM users WHERE id = $1 FOR UPDATE",
    # Which the charge only reads.
    "its verdict": "LOCK TABLE sessions IN EXCLUSIVE MODE",
}


async def lose_power(deployed: Deployed, _at_work: int) -> None:
    deployed.cluster.kill()


async def lose_a_process(_deployed: Deployed, at_work: int) -> None:
    os.kill(at_work, signal.SIGKILL)


async def freeze(deployed: Deployed, _at_work: int) -> None:
    deployed.cluster.pause()


async def make_read_only(deployed: Deployed, _at_work: int) -> None:
    """Let the statement at work be the last one that may write: every process is told before this returns."""
    await configure(deployed, "ALTER SYSTEM SET default_transaction_read_only = on")
    deadline = monotonic() + 60
    while await read_only_by_default(deployed) != "on":
        assert monotonic() < deadline, "the server does not take the setting over"


async def start(deployed: Deployed) -> None:
    deployed.cluster.start()


async def thaw(deployed: Deployed) -> None:
    deployed.cluster.resume()


async def make_writable(deployed: Deployed) -> None:
    await configure(deployed, "ALTER SYSTEM RESET default_transaction_read_only")


async def configure(deployed: Deployed, change: str) -> None:
    """Change the server's settings while it runs, as an operator or a fail-over does."""
    connection: Any = await asyncpg.connect(
        deployed.database_url, server_settings={"default_transaction_read_only": "off"}
    )
    try:
        await connection.execute(change)
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


async def read_only_by_default(deployed: Deployed) -> str:
    """Ask a new process, which knows what its parent knows; and the parent tells the others before it makes a new one."""
    connection: Any = await asyncpg.connect(deployed.database_url)
    try:
        return str(await connection.fetchval("SHOW default_transaction_read_only"))
    finally:
        await connection.close()


@dataclass(frozen=True)
class Fault:
    """What is done to PostgreSQL, *during* what part of the step, and how that is undone; without *fix* it comes back by itself."""

    told: str
    during: str
    harm: Callable[[Deployed, int], Awaitable[None]]
    fix: Callable[[Deployed], Awaitable[None]] | None = None


@pytest.mark.parametrize(
    "fault",
    [
        Fault("PostgreSQL killed", "its charge", lose_power, start),
        Fault("PostgreSQL killed", "its verdict", lose_power, start),
        Fault("the process killed that serves the statement", "its charge", lose_a_process),
        Fault("the process killed that serves the statement", "its verdict", lose_a_process),
        Fault("PostgreSQL frozen", "its verdict", freeze, thaw),
        Fault("PostgreSQL made read-only", "its charge", make_read_only, make_writable),
    ],
    ids=lambda fault: f"{fault.harm.__name__}-{fault.during.split()[-1]}",
)
async def test_a_database_failure_during_a_totp_step_opens_no_unrecorded_session(
    deployed: Deployed, services: Services, line: Line, tell: Tell, fault: Fault
):
    [person, bystander] = await some_people(services, 2, enrolled=True)
    [newcomer] = await some_people(services, 1, enrolled=False)
    # The code of the next step is good for a minute at least.
    code = person.code(int(time()) // 30 + 1)
    caller = await at_second_factor(line, person)
    journey = Journey(bystander, line)
    other = await journey.sign_in(TOTP)

    async with held(deployed, LOCKED[fault.during], person) as release:
        step = asyncio.create_task(caller.ask(TOTP, {"code": code}))
        at_work = await somebody_waiting(deployed)
        responses: Answers = {}
        await fault.harm(deployed, at_work)
        try:
            if fault.fix is not None:
                release()
                responses = await everything(line, bystander, newcomer, other, journey.tokens[-1])
            responses["TOTP"] = await step
            slowest = line.slowest
        finally:
            if fault.fix is not None:
                await fault.fix(deployed)
    began = monotonic()
    await taking_connections(deployed)
    await asyncio.to_thread(deployed.server.wait)
    back_after = monotonic() - began

    reads = {"look", "me"} if fault.harm is make_read_only else set()
    alive = responses.pop("live", None)
    assert alive is None or alive.status_code == 200
    assert_unavailable({name: response for name, response in responses.items() if name not in reads})
    assert line.broken == []
    await services.database.engine.dispose()
    before, charged = await sessions_of(services, person.id), await failures_of(services, person)
    assert before == await burned(services, person)
    assert before + charged <= 1
    # Of what PostgreSQL had in hand it loses nothing unless it dies.
    assert before + charged == 1 or fault.harm not in {freeze, make_read_only}

    # The one code, eight times at once over all workers.
    again = await at_once(*(caller.ask(TOTP, {"code": code}) for _ in range(2 * WORKERS)))
    later = await (await at_second_factor(line, person)).ask(TOTP, {"code": code})

    done = sum(response.is_success for response in again)
    assert before + done == 1
    assert [response.json()["code"] for response in [later] if response] == ["code_already_used"]
    # Every worker serves everything again, with the connections it has.
    settled = [await health(line, "ready") for _ in range(3)]
    assert settled == [{200}] * 3
    await journey.refresh(other)
    late = Journey(newcomer, line)
    await late.sign_in(CONFIRM)
    people = [person.id, bystander.id, newcomer.id]
    tell(
        f"{fault.told} at a TOTP step, at {fault.during}: 503 within {slowest:.1f} s, ready again {back_after:.1f} s after its return",
        lost={
            **await half_done(services, people),
            "codes used twice": await sessions_of(services, person.id) - 1,
            "sign-ins without a session": 1 - await sessions_of(services, newcomer.id),
        },
    )


async def at_second_factor(line: Line, person: Person) -> Caller:
    """Return a caller whose login waits for a code."""
    caller = Caller(line)
    response = await caller.ask(LOGIN, {"email": person.email, "password": PASSWORD})
    assert isinstance(response, httpx.Response)
    assert response.json()["step"] == "totp"
    return caller


@contextlib.asynccontextmanager
async def held(deployed: Deployed, lock: str, person: Person) -> AsyncIterator[Callable[[], None]]:
    """Hold what the step needs, so that it stands still there; yields what lets it go."""
    connection: Any = await asyncpg.connect(deployed.database_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(lock, *([person.id] if "$1" in lock else []))

    try:
        yield connection.terminate
    finally:
        connection.terminate()


async def somebody_waiting(deployed: Deployed) -> int:
    """Return the process of the server whose statement waits for a lock."""
    connection: Any = await asyncpg.connect(deployed.database_url)
    try:
        for _ in range(500):
            found = await connection.fetchval(WAITING)
            if found is not None:
                return int(found)
            await asyncio.sleep(0.002)
    finally:
        await connection.close()
    raise AssertionError("the step does not come to the database")


async def taking_connections(deployed: Deployed) -> None:
    """Wait until the server has recovered."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError, OSError):
                connection: Any = await asyncpg.connect(deployed.database_url)
                await connection.close()
                return
            await asyncio.sleep(0.02)


async def everything(line: Line, person: Person, newcomer: Person, other: Caller, token: str) -> Answers:
    """Every other call that needs the database, all at once."""
    fresh, enrolling = Caller(line), Caller(line)
    enrolling.cookies["focys_login"] = newcomer.login_token or ""
    calls = {
        "password": fresh.ask(LOGIN, {"email": person.email, "password": PASSWORD}),
        "look": enrolling.ask(LOGIN, method="GET"),
        "confirm": enrolling.ask(CONFIRM, {"code": newcomer.code(int(time()) // 30)}),
        "refresh": other.ask(REFRESH),
        "live": Caller(line).ask("/health/live", method="GET"),
        "ready": no_longer_ready(line),
        "me": other.ask("/auth/me", method="GET", bearer=token),
    }
    return dict(zip(calls, await asyncio.gather(*calls.values()), strict=True))


async def no_longer_ready(line: Line) -> httpx.Response | None:
    """Return the first refusal; that all was well may be said for a second more."""
    deadline = monotonic() + 60
    while True:
        response = await Caller(line).ask("/health/ready", method="GET")
        if response is None or not response.is_success or monotonic() > deadline:
            return response
        await asyncio.sleep(0.05)


async def at_once(*calls: Awaitable[httpx.Response | None]) -> list[httpx.Response]:
    return [response for response in await asyncio.gather(*calls) if response is not None]


async def health(line: Line, what: str) -> set[int]:
    """Ask often enough that every worker is likely to respond; return the statuses."""
    asking = [Caller(line).ask(f"/health/{what}", method="GET") for _ in range(3 * WORKERS)]
    return {response.status_code for response in await at_once(*asking)}


def assert_unavailable(responses: Answers) -> None:
    for name, response in responses.items():
        assert response is not None, name
        assert (response.status_code, response.headers["Content-Type"]) == (503, "application/problem+json"), (
            f"{name}: {response.text}"
        )
        assert (response.json()["code"], response.headers["Retry-After"]) == ("unavailable", "5"), name
        assert "Set-Cookie" not in response.headers, name


async def burned(services: Services, person: Person) -> int:
    """Return 1 if the person's code is recorded as used, 0 if not."""
    async with services.database.engine.connect() as connection:
        query = text("SELECT count(*) FROM users WHERE id = :user AND totp_last_step > 0")
        return int((await connection.execute(query, {"user": person.id})).scalar_one())


async def failures_of(services: Services, person: Person) -> int:
    """Return how many attempts the person is charged with."""
    async with services.database.engine.connect() as connection:
        query = text("SELECT count(*) FROM second_factor_failures WHERE user_id = :user")
        return int((await connection.execute(query, {"user": person.id})).scalar_one())
