"""The routes with which people look after their own account."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, status

from focys.domain.devices import device_in_words
from focys.domain.outcome import Reason, Refused
from focys.features.own_account.schemas import OwnActivity, OwnSession, OwnSessions
from focys.features.own_account.service import OwnAccount
from focys.features.sessions import CurrentSession, RecentlyVerified
from focys.infra.web.dependencies import CallerDep
from focys.infra.web.replies import PROBLEMS, refusal, reply
from focys.infra.web.requests import Nothing

router = APIRouter(prefix="/account", tags=["account"], responses=PROBLEMS)


async def _own_account(request: Request) -> OwnAccount:
    account: OwnAccount = request.app.state.own_account
    return account


OwnAccountDep = Annotated[OwnAccount, Depends(_own_account)]


@router.get("/sessions", response_model=OwnSessions)
async def list_sessions(session: CurrentSession, account: OwnAccountDep) -> Response:
    """Return where the user is signed in, newest first."""
    return reply(
        OwnSessions(
            sessions=[
                OwnSession(
                    id=live.id,
                    device=device_in_words(live.agent),
                    address=live.address,
                    created_at=live.created_at,
                    last_used_at=live.last_used_at,
                    amr=list(live.amr),
                    is_current=live.id == session.session_id,
                )
                for live in await account.list_sessions(session.user_id)
            ]
        )
    )


@router.delete("/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
async def end_session(
    session_id: UUID, session: RecentlyVerified, account: OwnAccountDep, caller: CallerDep
) -> Response:
    """End a session of the user."""
    if not await account.end_session(session.user_id, session_id, caller):
        return refusal(Refused(Reason.NOT_FOUND))
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post("/sessions/end-others", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
async def end_other_sessions(
    session: RecentlyVerified,
    account: OwnAccountDep,
    caller: CallerDep,
    body: Nothing | None = None,  # noqa: ARG001
) -> Response:
    """End all sessions of the user except this one."""
    await account.end_other_sessions(session, caller)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get("/activity", response_model=OwnActivity)
async def list_activity(session: CurrentSession, account: OwnAccountDep, before: UUID | None = None) -> Response:
    """Return what happened to the account, newest first: 50 events, or the 50 before one of them."""
    return reply(await account.activity(session.user_id, before))
