"""FastAPI dependencies for routes that need a signed-in user.

@router.get("/account/sessions")
async def list_sessions(session: CurrentSession) -> ...: ...       # 401 not_authenticated otherwise

@router.delete("/account/factor")
async def remove(session: RecentlyVerified) -> ...: ...            # 403 verification_needed: sign in again first

@router.get("/admin/users")
async def list_users(session: Administrator) -> ...: ...           # 403 forbidden
"""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from focys.domain.outcome import Reason, Refused
from focys.features.sessions.models import LiveSession
from focys.features.sessions.router import SessionsApi, bearer_of
from focys.infra.web.replies import RefusedError

RECENT = timedelta(minutes=10)
"""How long a completed sign-in counts as a recent verification."""

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
    age = api.clock.now() - session.auth_time
    # A sign-in time far in the future was recorded by a wrong clock, so it does not count as recent.
    is_recent = -RECENT < age < RECENT
    # The password alone, as during a bypass, must not give anything that outlasts it.
    if not is_recent or (session.mfa_enabled and "mfa" not in session.amr):
        raise RefusedError(Refused(Reason.VERIFICATION_NEEDED))
    return session


RecentlyVerified = Annotated[LiveSession, Depends(_recently_verified)]


async def _administrator(session: CurrentSession) -> LiveSession:
    if session.role != ADMINISTRATOR:
        raise RefusedError(Refused(Reason.FORBIDDEN))
    return session


Administrator = Annotated[LiveSession, Depends(_administrator)]
