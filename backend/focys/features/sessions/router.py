"""Refresh, sign out, who am I."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response, status

from focys.domain.outcome import Reason, Refused
from focys.features.sessions.models import LiveSession
from focys.features.sessions.schemas import Me, Nothing, Tokens, User
from focys.features.sessions.service import Sessions
from focys.infra.web.http import Cookies, Visitors
from focys.infra.web.origins import Origins
from focys.infra.web.replies import PROBLEMS, refusal, reply
from focys.infra.web.visitor import Visitor

_CLEAR_SITE_DATA = '"cache", "storage"'

routes = APIRouter(prefix="/auth", tags=["sessions"], responses=PROBLEMS)


@dataclass(frozen=True, slots=True)
class SessionsApi:
    """The routes' dependencies; the app keeps them as ``app.state.sessions_api``."""

    sessions: Sessions
    visitors: Visitors
    cookies: Cookies
    origins: Origins
    cancel_login: Callable[[Visitor], Awaitable[None]]


def _api_of(request: Request) -> SessionsApi:
    api: SessionsApi = request.app.state.sessions_api
    return api


async def _api(request: Request) -> SessionsApi:
    return _api_of(request)


Api = Annotated[SessionsApi, Depends(_api)]


async def _visitor(request: Request, api: Api) -> Visitor:
    return await api.visitors(request)


async def _objection(request: Request, api: Api) -> Refused | None:
    """Refuse a call that a cookie authenticates, unless it proves that it comes from our pages."""
    return None if api.origins.may_use_cookies(request.headers) else Refused(Reason.FORBIDDEN_ORIGIN)


Caller = Annotated[Visitor, Depends(_visitor)]
Objection = Annotated[Refused | None, Depends(_objection)]
Bearer = Annotated[str | None, Header(alias="Authorization", max_length=2048)]
# What FastAPI makes of this. The call that is asked most is described by it and reads the header itself, which saves it
# a sixth of its instructions.
_AUTHORIZATION = {
    "name": "Authorization",
    "in": "header",
    "required": False,
    "schema": {"anyOf": [{"type": "string", "maxLength": 2048}, {"type": "null"}], "title": "Authorization"},
}


@routes.post(
    "/refresh",
    response_model=Tokens,
    responses={status.HTTP_204_NO_CONTENT: {"description": "Nobody is signed in: there is no refresh cookie"}},
)
async def refresh(api: Api, caller: Caller, objection: Objection, body: Nothing | None = None) -> Response:  # noqa: ARG001
    """Exchange the refresh cookie for a new access token.

    Without an `Origin`, send `X-Requested-With: focys`. The cookie is replaced once it is a minute old.
    """
    outcome = objection or await api.sessions.refresh(caller)
    if outcome is None:
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    if isinstance(outcome, Refused):
        answer = refusal(outcome)
        if outcome.reason is Reason.SESSION_ENDED:
            api.cookies.clear(answer, api.cookies.refresh)
        return answer
    user = user_of(outcome.session)
    answer = reply(Tokens(access_token=outcome.access_token, expires_in=outcome.expires_in, user=user))
    api.cookies.set(answer, api.cookies.refresh, outcome.refresh_token, outcome.refresh_seconds)
    return answer


@routes.post("/logout", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
async def logout(
    api: Api,
    caller: Caller,
    objection: Objection,
    authorization: Bearer = None,
    body: Nothing | None = None,  # noqa: ARG001
) -> Response:
    """End the session, and cancel a login in progress.

    Without an `Origin`, send `X-Requested-With: focys`.
    """
    if objection is not None:
        return refusal(objection)
    await api.sessions.sign_out(caller, bearer_of(authorization))
    await api.cancel_login(caller)
    answer = Response(status_code=status.HTTP_204_NO_CONTENT, headers={"Clear-Site-Data": _CLEAR_SITE_DATA})
    for name in (api.cookies.refresh, api.cookies.login):
        api.cookies.clear(answer, name)
    return answer


@routes.get("/me", response_model=Me, openapi_extra={"parameters": [_AUTHORIZATION]})
async def me(request: Request) -> Response:
    """Say who is signed in."""
    session = await _api_of(request).sessions.identify(bearer_of(request.headers.get("authorization")))
    if session is None:
        return refusal(Refused(Reason.NOT_AUTHENTICATED))
    return reply(
        Me(
            **_user(session),
            factors=[
                *(["totp"] if session.mfa_enabled else []),
                *(["backup_codes"] if session.backup_codes_left else []),
            ],
            amr=list(session.amr),
            auth_time=session.auth_time,
            session_expires_at=session.expires_at,
        )
    )


def bearer_of(authorization: str | None) -> str | None:
    """Return the token of an Authorization header (RFC 6750 section 2.1)."""
    scheme, _, token = (authorization or "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def user_of(session: LiveSession) -> User:
    """Return the user as the wire shows them."""
    return User(**_user(session))


def _user(session: LiveSession) -> dict[str, Any]:
    return {
        "id": session.user_id,
        "email": session.email,
        "display_name": session.display_name,
        "role": session.role,
        "mfa_enabled": session.mfa_enabled,
        "backup_codes_left": session.backup_codes_left,
    }
