"""FastAPI dependencies for routes that need a signed-in user.

@router.get("/account/sessions")
async def list_sessions(session: CurrentSession) -> ...: ...       # 401 not_authenticated otherwise

@router.delete("/account/factor")
async def remove(session: RecentlyVerified) -> ...: ...            # 403 step_up_required: confirm that it's you first

@router.post("/account/password")
async def change(session: VerifiedIfEnrolled) -> ...: ...          # the same, if there is a second factor

@router.get("/admin/users")
async def list_users(session: Administrator) -> ...: ...           # 403 forbidden
"""

from typing import Annotated

from fastapi import Depends, Request

from focys.domain.outcome import Reason, Refused
from focys.features.sessions.models import LiveSession
from focys.features.sessions.recency import verified_until
from focys.features.sessions.router import SessionsApi, bearer_of
from focys.infra.web.replies import RefusedError

ADMINISTRATOR = "admin"


async def _current_session(request: Request) -> LiveSession:
    api: SessionsApi = request.app.state.sessions_api
    session = await api.sessions.identify(bearer_of(request.headers.get("authorization")))
    if session is None:
        raise RefusedError(Refused(Reason.NOT_AUTHENTICATED))
    return session


CurrentSession = Annotated[LiveSession, Depends(_current_session)]


async def _recently_verified(request: Request, session: CurrentSession) -> LiveSession:
    api: SessionsApi = request.app.state.sessions_api
    if verified_until(session, api.clock.now()) is None:
        raise RefusedError(Refused(Reason.STEP_UP_REQUIRED))
    return session


RecentlyVerified = Annotated[LiveSession, Depends(_recently_verified)]


async def _verified_if_enrolled(request: Request, session: CurrentSession) -> LiveSession:
    return await _recently_verified(request, session) if session.mfa_enabled else session


VerifiedIfEnrolled = Annotated[LiveSession, Depends(_verified_if_enrolled)]


async def _administrator(session: CurrentSession) -> LiveSession:
    if session.role != ADMINISTRATOR:
        raise RefusedError(Refused(Reason.FORBIDDEN))
    return session


Administrator = Annotated[LiveSession, Depends(_administrator)]
