"""Refresh, sign out, who am I."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response, status

from focys.domain.outcome import Reason, Refused
from focys.features.sessions.schemas import Me, Nothing, Tokens, User
from focys.features.sessions.service import Sessions
from focys.infra.http import Cookies, Visitors
from focys.infra.replies import PROBLEMS, refusal
from focys.infra.visitor import Visitor

_CLEAR_SITE_DATA = '"cache", "storage"'

Bearer = Annotated[str | None, Header(alias="Authorization", max_length=2048)]


def build_router(
    sessions: Sessions, visitors: Visitors, cookies: Cookies, *, cancel_login: Callable[[Visitor], Awaitable[None]]
) -> APIRouter:
    """Return the session calls; signing out cancels a login under way too."""
    router = APIRouter(prefix="/auth", tags=["sessions"], responses=PROBLEMS)
    VisitorDep = Annotated[Visitor, Depends(visitors)]  # noqa: N806  a type

    @router.post("/refresh", response_model=Tokens)
    async def refresh(visitor: VisitorDep, response: Response, body: Nothing | None = None) -> Any:  # noqa: ANN401, ARG001
        """Exchange the refresh cookie for a new access token and a new cookie."""
        outcome = await sessions.refresh(visitor)
        if isinstance(outcome, Refused):
            answer = refusal(outcome)
            if outcome.reason is Reason.SESSION_ENDED and visitor.refresh:
                cookies.clear(answer, cookies.refresh)
            return answer
        cookies.set(response, cookies.refresh, outcome.refresh_token, outcome.refresh_seconds)
        return Tokens(access_token=outcome.access_token, expires_in=outcome.expires_in, user=user_of(outcome.row))

    @router.post("/logout", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
    async def logout(
        visitor: VisitorDep,
        authorization: Bearer = None,
        body: Nothing | None = None,  # noqa: ARG001
    ) -> Response:
        """End the session."""
        await sessions.sign_out(visitor, bearer_of(authorization))
        await cancel_login(visitor)
        answer = Response(status_code=status.HTTP_204_NO_CONTENT, headers={"Clear-Site-Data": _CLEAR_SITE_DATA})
        for name in (cookies.refresh, cookies.login):
            cookies.clear(answer, name)
        return answer

    @router.get("/me", response_model=Me)
    async def me(authorization: Bearer = None) -> Any:  # noqa: ANN401
        """Say who is signed in."""
        row = await sessions.identify(bearer_of(authorization))
        if row is None:
            return refusal(Refused(Reason.NOT_AUTHENTICATED))
        factors = (["totp"] if row.mfa_enabled else []) + (["backup_codes"] if row.backup_codes_left else [])
        return {
            **user_of(row).model_dump(),
            "factors": factors,
            "amr": row.amr.split(),
            "auth_time": row.auth_time,
            "session_expires_at": row.expires_at,
        }

    return router


def bearer_of(authorization: str | None) -> str | None:
    """Return the token of an Authorization header (RFC 6750 section 2.1)."""
    scheme, _, token = (authorization or "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def user_of(row: Any) -> User:  # noqa: ANN401  a live session with its user
    """Return the user as the wire shows them."""
    return User(
        id=row.user_id,
        email=row.email,
        display_name=row.display_name,
        role=row.role,
        mfa_enabled=row.mfa_enabled,
        backup_codes_left=row.backup_codes_left,
    )
