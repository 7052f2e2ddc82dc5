"""Work at intervals: it goes on after a failure, and no run is cut off when the service stops."""

import asyncio

import pytest

from focys.infra.ops import logs
from focys.infra.ops.periodic import Periodic
from focys.infra.web.health import Readiness
from tests.conftest import MakeWorld


@pytest.fixture(autouse=True)
def _logging() -> None:
    logs.configure()


async def test_failed_work_is_logged_and_repeated(caplog: pytest.LogCaptureFixture):
    runs = 0

    async def fail_once() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise OSError("the database is away")
        work.stop()

    work = Periodic(fail_once, name="looking", seconds=0)
    await work.run()

    assert runs == 2
    [said] = [record.getMessage() for record in caplog.records]
    assert "'event': 'periodic_work_failed'" in said
    assert "'work': 'looking'" in said
    assert "'kind': 'OSError'" in said


async def test_work_stopped_before_its_first_run_never_runs():
    async def never() -> None:
        raise AssertionError("it ran")

    work = Periodic(never, name="looking", seconds=60, first_after=60)
    running = asyncio.create_task(work.run())
    await asyncio.sleep(0)
    work.stop()

    await asyncio.wait_for(running, 60)


async def test_a_stopping_service_lets_the_current_run_finish(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch):
    """A query cut off on SQLite would go on in its thread, and outlive the event loop."""
    began, outcomes = asyncio.Event(), []

    async def measure(_self: Readiness) -> None:
        began.set()
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            outcomes.append("cut off")
            raise
        outcomes.append("finished")

    monkeypatch.setattr(Readiness, "measure", measure)
    async with make_world():
        await asyncio.wait_for(began.wait(), 60)

    assert outcomes == ["finished"]
