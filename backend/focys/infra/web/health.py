"""Liveness (the process answers) and readiness (it can serve a sign-in)."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from focys.domain.outcome import Reason, Refused
from focys.infra.db.database import Database
from focys.infra.db.schema import current_revision, needed_revision
from focys.infra.ops.clock import Clock, DatabaseClock, SystemClock
from focys.infra.web.replies import PROBLEMS, UNAVAILABLE_RETRY_SECONDS, refusal, reply

Part = Literal["database", "schema", "keys", "clock"]

MOST_APART_SECONDS = 15
"""How far two clocks may be apart before codes of phones that are right are refused: half a step."""

GOOD_FOR_SECONDS = 1.0


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"] = "ok"


class Readiness:
    """Checks what a sign-in depends on. Concurrent callers share one check; a good result is kept for a second."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        can_open_secrets: Callable[[], Awaitable[bool]],
        *,
        machine: Clock | None = None,
    ) -> None:
        self._database, self._can_open_secrets = database, can_open_secrets
        # A clock that does not follow the database's has nothing to be compared with.
        self._clocks = [machine or SystemClock(), *([clock] if isinstance(clock, DatabaseClock) else [])]
        self._look: asyncio.Task[list[Part]] | None = None
        self._good_until = 0.0

    async def failing(self) -> list[Part]:
        """Return the parts that keep the service from serving."""
        if self._look is None or (self._look.done() and monotonic() >= self._good_until):
            self._look = asyncio.create_task(self._examine())
        # The first caller may disconnect; the others still wait for the result.
        return await asyncio.shield(self._look)

    async def _examine(self) -> list[Part]:
        try:
            found = await self._find()
        except (SQLAlchemyError, OSError):
            return ["database"]
        if not found:
            self._good_until = monotonic() + GOOD_FOR_SECONDS
        return found

    async def _find(self) -> list[Part]:
        if not await self._database.takes_writes():
            return ["database"]
        found: list[Part] = []
        before = [clock.now() for clock in self._clocks]
        theirs = await self._database.now()
        after = [clock.now() for clock in self._clocks]
        if await current_revision(self._database) != needed_revision():
            found.append("schema")
        elif not await self._can_open_secrets():
            found.append("keys")
        # The database looked at its clock somewhere between the two.
        if any(
            max((b - theirs).total_seconds(), (theirs - a).total_seconds()) >= MOST_APART_SECONDS
            for b, a in zip(before, after, strict=True)
        ):
            found.append("clock")
        return found


def build_router(readiness: Readiness) -> APIRouter:
    """Return the health calls."""
    router = APIRouter(prefix="/health", tags=["health"], responses=PROBLEMS)

    @router.get("/live")
    async def live() -> Health:
        """Say that the process answers."""
        return Health()

    @router.get("/ready", response_model=Health)
    async def ready() -> Response:
        """Say whether database, schema, keys and clocks are as a sign-in needs them, or which of them are not."""
        failing = await readiness.failing()
        if failing:
            return refusal(Refused(Reason.UNAVAILABLE, retry_after=UNAVAILABLE_RETRY_SECONDS), failing=failing)
        return reply(Health())

    return router
