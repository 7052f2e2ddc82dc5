"""Whether the process lives, and whether it can serve."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from focys.domain.outcome import Reason, Refused
from focys.infra.database import Database
from focys.infra.replies import PROBLEMS, refusal
from focys.infra.schema import current_revision, needed_revision


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"] = "ok"


def build_router(database: Database) -> APIRouter:
    """Return the health calls."""
    router = APIRouter(prefix="/health", tags=["health"], responses=PROBLEMS)

    @router.get("/live")
    async def live() -> Health:
        """Say that the process answers."""
        return Health()

    @router.get("/ready", response_model=Health)
    async def ready() -> Any:  # noqa: ANN401  a model or a refusal
        """Say whether the database answers and has the schema this code needs."""
        if await current_revision(database) != needed_revision():
            return refusal(Refused(Reason.UNAVAILABLE, retry_after=5))
        return Health()

    return router
