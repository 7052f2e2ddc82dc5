"""Dependencies of routes: who is calling, and whether a request with cookies comes from our own pages."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from focys.domain.outcome import Reason, Refused
from focys.infra.web.caller import Caller
from focys.infra.web.callers import Callers, Cookies
from focys.infra.web.origins import Origins
from focys.infra.web.replies import RefusedError


@dataclass(frozen=True, slots=True)
class Web:
    """The parts of the web layer, stored as ``app.state.web``."""

    callers: Callers
    cookies: Cookies
    origins: Origins


# Dependencies are coroutines because FastAPI runs plain functions in a thread pool.
async def _web(request: Request) -> Web:
    web: Web = request.app.state.web
    return web


WebDep = Annotated[Web, Depends(_web)]


async def _caller(request: Request, web: WebDep) -> Caller:
    return await web.callers(request)


CallerDep = Annotated[Caller, Depends(_caller)]


async def our_page(request: Request, web: WebDep) -> None:
    """Require that a request authenticated by a cookie comes from our own pages.

    Raises:
        RefusedError: it does not prove that.
    """
    if not web.origins.may_use_cookies(request.headers):
        raise RefusedError(Refused(Reason.FORBIDDEN_ORIGIN))
