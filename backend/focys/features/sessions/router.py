"""The routes of sessions: refresh, sign out, and who is signed in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response, status

from focys.domain.outcome import Reason, Refused
from focys.features.sessions.models import LiveSession
from focys.features.sessions.recency import RECENT, verified_until
from focys.features.sessions.results import Refreshed
from focys.features.sessions.schemas import Me, SteppedUp, Tokens, User
from focys.features.sessions.service import Sessions
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller
from focys.infra.web.callers import Cookies
from focys.infra.web.dependencies import CallerDep, WebDep, our_page
from focys.infra.web.replies import PROBLEMS, refusal, reply
from focys.infra.web.requests import Nothing

_CLEAR_SITE_DATA = '"cache", "storage"'

router = APIRouter(prefix="/auth", tags=["sessions"], responses=PROBLEMS)


@dataclass(frozen=True, slots=True)
class SessionsApi:
    """What the routes use; stored as ``app.state.sessions_api``."""

    sessions: Sessions
    clock: Clock
    cancel_login: Callable[[Caller], Awaitable[None]]


def _api_of(request: Request) -> SessionsApi:
    api: SessionsApi = request.app.state.sessions_api
    return api


async def _api(request: Request) -> SessionsApi:
    return _api_of(request)


Api = Annotated[SessionsApi, Depends(_api)]
Bearer = Annotated[str | None, Header(alias="Authorization", max_length=2048)]
# What FastAPI generates for ``Bearer``. The busiest route, /auth/me, reads the header itself and is only described by
# this, which saves a sixth of its instructions.
_AUTHORIZATION = {
    "name": "Authorization",
    "in": "header",
    "required": False,
    "schema": {"anyOf": [{"type": "string", "maxLength": 2048}, {"type": "null"}], "title": "Authorization"},
}


@router.post(
    "/refresh",
    dependencies=[Depends(our_page)],
    response_model=Tokens,
    responses={status.HTTP_204_NO_CONTENT: {"description": "Nobody is signed in: there is no refresh cookie"}},
)
async def refresh(
    api: Api,
    web: WebDep,
    caller: CallerDep,
    body: Nothing | None = None,  # noqa: ARG001
) -> Response:
    """Exchange the refresh cookie for a new access token.

    Without an `Origin`, send `X-Requested-With: focys`. The cookie is replaced once it is a minute old.
    """
    outcome = await api.sessions.refresh(caller)
    if outcome is None:
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    if isinstance(outcome, Refused):
        response = refusal(outcome)
        if outcome.reason is Reason.SESSION_ENDED:
            web.cookies.clear(response, web.cookies.refresh)
        return response
    user = user_of(outcome.session)
    tokens = Tokens(access_token=outcome.access_token, expires_in=outcome.expires_in, user=user)
    return _with_refresh_cookie(reply(tokens), outcome, web.cookies)


@router.post(
    "/logout", dependencies=[Depends(our_page)], status_code=status.HTTP_204_NO_CONTENT, response_class=Response
)
async def logout(
    api: Api,
    web: WebDep,
    caller: CallerDep,
    authorization: Bearer = None,
    body: Nothing | None = None,  # noqa: ARG001
) -> Response:
    """End the session, and cancel a login in progress.

    Without an `Origin`, send `X-Requested-With: focys`.
    """
    await api.sessions.sign_out(caller, bearer_of(authorization))
    await api.cancel_login(caller)
    response = Response(status_code=status.HTTP_204_NO_CONTENT, headers={"Clear-Site-Data": _CLEAR_SITE_DATA})
    for name in (web.cookies.refresh, web.cookies.login):
        web.cookies.clear(response, name)
    return response


@router.get("/me", response_model=Me, openapi_extra={"parameters": [_AUTHORIZATION]})
async def me(request: Request) -> Response:
    """Return who is signed in."""
    session = await _api_of(request).sessions.identify(bearer_of(request.headers.get("authorization")))
    if session is None:
        return refusal(Refused(Reason.NOT_AUTHENTICATED))
    return reply(
        Me(
            **_user(session),
            mfa_required=_api_of(request).sessions.mfa_required,
            factors=[
                *(["totp"] if session.mfa_enabled else []),
                *(["backup_codes"] if session.backup_codes_left else []),
            ],
            amr=list(session.amr),
            auth_time=session.auth_time,
            session_expires_at=session.expires_at,
            verified_until=verified_until(session, _api_of(request).clock.now()),
        )
    )


def stepped_up_response(outcome: Refreshed, cookies: Cookies) -> Response:
    """Return the response to a step-up, with the new refresh token."""
    session = outcome.session
    stepped_up = SteppedUp(
        access_token=outcome.access_token,
        expires_in=outcome.expires_in,
        user=user_of(session),
        verified_until=(session.stepped_up_at or session.auth_time) + RECENT,
    )
    return _with_refresh_cookie(reply(stepped_up), outcome, cookies)


def _with_refresh_cookie(response: Response, outcome: Refreshed, cookies: Cookies) -> Response:
    cookies.set(response, cookies.refresh, outcome.refresh_token, outcome.refresh_seconds)
    return response


def bearer_of(authorization: str | None) -> str | None:
    """Return the bearer token in an Authorization header (RFC 6750 section 2.1), or None."""
    scheme, _, token = (authorization or "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def user_of(session: LiveSession) -> User:
    """Return the user as sent in responses."""
    return User(**_user(session))


def _user(session: LiveSession) -> dict[str, Any]:
    return {
        "id": session.user_id,
        "email": session.email,
        "display_name": session.display_name,
        "role": session.role,
        "mfa_enabled": session.mfa_enabled,
        "backup_codes_left": session.backup_codes_left,
        # Someone who has only proven the password may neither acknowledge nor replace them.
        "backup_codes_unsaved": session.backup_codes_unsaved if "mfa" in session.amr else None,
    }
