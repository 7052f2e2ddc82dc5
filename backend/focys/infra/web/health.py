"""Liveness (the process responds) and readiness (it can serve a sign-in)."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from focys.domain.outcome import Reason, Refused
from focys.infra.db.database import Database
from focys.infra.db.schema import why_not_serve
from focys.infra.ops import metrics
from focys.infra.ops.clock import Clock, DatabaseClock, SystemClock
from focys.infra.web.replies import PROBLEMS, UNAVAILABLE_RETRY_SECONDS, refusal, reply

Part = Literal["database", "schema", "keys", "clock"]

MOST_APART_SECONDS = 15
"""Two clocks this far apart could make us refuse codes from phones with the correct time: half a time step."""

GOOD_FOR_SECONDS = 1.0


class Health(BaseModel):
    """The service is healthy."""

    status: Literal["ok"] = "ok"


class Readiness:
    """Checks what sign-ins depend on. Concurrent callers share one check; a good result is cached for a second."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        can_open_secrets: Callable[[], Awaitable[bool]],
        *,
        machine: Clock | None = None,
    ) -> None:
        self._database, self._can_open_secrets = database, can_open_secrets
        # The service's clock is compared only if it follows the database's.
        self._clocks = [machine or SystemClock(), *([clock] if isinstance(clock, DatabaseClock) else [])]
        self._check: asyncio.Task[list[Part]] | None = None
        self._good_until = 0.0

    async def failing(self) -> list[Part]:
        """Return the parts that are not working."""
        if self._check is None or (self._check.done() and monotonic() >= self._good_until):
            self._check = asyncio.create_task(self._run_check())
        # If the first caller disconnects, the others still need the result.
        return await asyncio.shield(self._check)

    async def measure(self) -> None:
        """Refresh the gauges of readiness. A read-only database is up, but not ready."""
        failing = await self._look()
        for part in get_args(Part):
            metrics.READY.labels(part).set(part not in failing)
        try:
            await self._database.now()
        except Exception:  # noqa: BLE001  whatever is wrong with the database, it did not respond
            metrics.DATABASE_UP.set(0)
        else:
            metrics.DATABASE_UP.set(1)

    async def _run_check(self) -> list[Part]:
        found = await self._look()
        if not found:
            self._good_until = monotonic() + GOOD_FOR_SECONDS
        return found

    async def _look(self) -> list[Part]:
        try:
            return await self._find()
        except (SQLAlchemyError, OSError):
            return ["database"]

    async def _find(self) -> list[Part]:
        if not await self._database.takes_writes():
            return ["database"]
        found: list[Part] = []
        before = [clock.now() for clock in self._clocks]
        theirs = await self._database.now()
        after = [clock.now() for clock in self._clocks]
        if await why_not_serve(self._database) is not None:
            found.append("schema")
        elif not await self._can_open_secrets():
            found.append("keys")
        # The database read its clock at some time between the two readings.
        if any(
            max((b - theirs).total_seconds(), (theirs - a).total_seconds()) >= MOST_APART_SECONDS
            for b, a in zip(before, after, strict=True)
        ):
            found.append("clock")
        return found


router = APIRouter(prefix="/health", tags=["health"], responses=PROBLEMS)


async def _readiness(request: Request) -> Readiness:
    readiness: Readiness = request.app.state.readiness
    return readiness


@router.get("/live")
async def live() -> Health:
    """Report that the process responds."""
    return Health()


@router.get("/ready", response_model=Health)
async def ready(readiness: Annotated[Readiness, Depends(_readiness)]) -> Response:
    """Report whether the database, schema, keys and clocks allow sign-ins, and which of them do not."""
    failing = await readiness.failing()
    if failing:
        return refusal(Refused(Reason.UNAVAILABLE, retry_after=UNAVAILABLE_RETRY_SECONDS), failing=failing)
    return reply(Health())
