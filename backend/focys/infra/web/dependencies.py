"""What routes depend on: who is calling, and that a call with cookies comes from our own pages."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from focys.domain.outcome import Reason, Refused
from focys.infra.web.http import Cookies, Visitors
from focys.infra.web.origins import Origins
from focys.infra.web.replies import RefusedError
from focys.infra.web.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Web:
    """The web layer's parts; the app keeps them as ``app.state.web``."""

    visitors: Visitors
    cookies: Cookies
    origins: Origins


# Coroutines, or FastAPI would take each call to another thread and back.
async def _web(request: Request) -> Web:
    web: Web = request.app.state.web
    return web


WebDep = Annotated[Web, Depends(_web)]


async def _caller(request: Request, web: WebDep) -> Visitor:
    return await web.visitors(request)


Caller = Annotated[Visitor, Depends(_caller)]


async def our_page(request: Request, web: WebDep) -> None:
    """Refuse a call that a cookie authenticates, unless it proves that it comes from our pages.

    Raises:
        RefusedError: it does not.
    """
    if not web.origins.may_use_cookies(request.headers):
        raise RefusedError(Refused(Reason.FORBIDDEN_ORIGIN))
