"""The routes of the login."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, status
from pydantic import BaseModel

from focys.domain.outcome import Reason, Refused
from focys.features.browsers import COOKIE_LIFE
from focys.features.login.attempt import CompletedLogin
from focys.features.login.email_code import Entry
from focys.features.login.schemas import Credentials, CurrentPassword, LoginState, MailedCode, Resent, Status
from focys.features.login.service import LoginFlow
from focys.features.login.snapshots import Begun
from focys.features.login.snapshots import LoginState as State
from focys.features.sessions import (
    CurrentSession,
    FactorReplaced,
    Refreshed,
    SignedIn,
    SteppedUp,
    User,
    stepped_up_response,
    user_of,
)
from focys.infra.web.branding import BrandDep
from focys.infra.web.caller import Caller
from focys.infra.web.callers import Cookies
from focys.infra.web.dependencies import CallerDep, WebDep
from focys.infra.web.replies import PROBLEMS, FieldProblem, refusal, reply
from focys.infra.web.requests import Nothing

router = APIRouter(prefix="/auth", tags=["login"], responses=PROBLEMS)


async def _flow(request: Request) -> LoginFlow:
    flow: LoginFlow = request.app.state.login
    return flow


Flow = Annotated[LoginFlow, Depends(_flow)]


@router.get("/status")
async def read_status(flow: Flow, caller: CallerDep, brand: BrandDep) -> Status:
    """Return what a page needs to know first; never fails."""
    state = await flow.look(caller) if caller.login else None
    login = _state(state) if isinstance(state, State) else None
    signed_in = caller.refresh is not None
    return Status(app_name=flow.app_name, branding=brand.branding, signed_in=signed_in, login=login)


@router.post("/login", response_model=LoginState | SignedIn)
async def start(body: Credentials, flow: Flow, caller: CallerDep, web: WebDep) -> Response:
    """Check email and password."""
    return _response(await flow.start(body.email, body.password, caller), web.cookies)


@router.get("/login", response_model=LoginState)
async def look(flow: Flow, caller: CallerDep) -> Response:
    """Return the login in progress."""
    outcome = await flow.look(caller)
    return refusal(outcome) if isinstance(outcome, Refused) else reply(_state(outcome))


@router.delete("/login", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
async def cancel(flow: Flow, caller: CallerDep, web: WebDep) -> Response:
    """Cancel the login in progress."""
    await flow.cancel(caller)
    response = Response(status_code=status.HTTP_204_NO_CONTENT)
    web.cookies.clear(response, web.cookies.login)
    return response


@router.post("/email-code/verify", response_model=LoginState)
async def verify_email_code(body: MailedCode, flow: Flow, caller: CallerDep, web: WebDep) -> Response:
    """Check the emailed code and, after a reset of the second factor, the operator's ticket."""
    return _response(await flow.verify_email_code(Entry(body.code, body.ticket), caller), web.cookies)


@router.post("/email-code/resend", response_model=Resent, status_code=status.HTTP_202_ACCEPTED)
async def resend_email_code(flow: Flow, caller: CallerDep, body: Nothing | None = None) -> Response:  # noqa: ARG001
    """Email the code again."""
    outcome = await flow.resend_email_code(caller)
    if isinstance(outcome, Refused):
        return refusal(outcome)
    return reply(Resent(resend_after=outcome), status_code=status.HTTP_202_ACCEPTED)


@router.post("/step-up/password", response_model=SteppedUp)
async def step_up_with_password(
    body: CurrentPassword, session: CurrentSession, flow: Flow, caller: CallerDep, web: WebDep
) -> Response:
    """Confirm that the signed-in user is still the one they were; only for accounts without a second factor."""
    return _stepped_up(await flow.step_up_with_password(body.password, session, caller), web.cookies)


@dataclass(frozen=True, slots=True)
class FactorResponses:
    """The steps that take a factor, as responses for the factors' routes; implements ``FactorLogin``."""

    flow: LoginFlow
    cookies: Cookies

    async def enroll(self, caller: Caller, *, restart: bool) -> Response:
        """Show the factor to set up."""
        outcome = await self.flow.enroll(caller, restart=restart)
        return refusal(outcome) if isinstance(outcome, Refused) else reply(outcome)

    async def confirm(self, answer: BaseModel, caller: Caller) -> Response:
        """Check the first proof of a new factor."""
        return _response(await self.flow.confirm(answer, caller), self.cookies)

    async def verify(self, kind: str, answer: BaseModel, caller: Caller) -> Response:
        """Check a second factor."""
        return _response(await self.flow.verify(kind, answer, caller), self.cookies)

    async def set_up(self, session_id: UUID, caller: Caller, *, restart: bool) -> Response:
        """Show a signed-in user a factor to set up."""
        outcome = await self.flow.set_up(session_id, caller, restart=restart)
        return refusal(outcome) if isinstance(outcome, Refused) else reply(outcome)

    async def replace(self, answer: BaseModel, session_id: UUID, caller: Caller) -> Response:
        """Check the first proof of a signed-in user's new factor."""
        outcome = await self.flow.replace(answer, session_id, caller)
        if isinstance(outcome, Refused):
            return refusal(outcome)
        user = user_of(outcome.session).model_copy(update=dict(outcome.profile))
        response = reply(FactorReplaced.model_validate({"user": user, **outcome.shown}), exclude_none=True)
        _remember_browser(response, outcome.browser_cookie, self.cookies)
        return response

    async def turn_off(self, session_id: UUID, caller: Caller) -> Response:
        """Remove a signed-in user's second factors."""
        outcome = await self.flow.turn_off(session_id, caller)
        return refusal(outcome) if outcome is not None else Response(status_code=status.HTTP_204_NO_CONTENT)

    async def step_up(self, kind: str, answer: BaseModel, session_id: UUID, caller: Caller) -> Response:
        """Check a second factor, and mark a session as recently verified."""
        return _stepped_up(await self.flow.step_up(kind, answer, session_id, caller), self.cookies)

    async def check(self, kind: str, answer: BaseModel, session_id: UUID, caller: Caller) -> Response:
        """Check a second factor without using it."""
        refused = await self.flow.check(kind, answer, session_id, caller)
        return refusal(refused) if refused is not None else Response(status_code=status.HTTP_204_NO_CONTENT)


def _stepped_up(outcome: Refreshed | Refused, cookies: Cookies) -> Response:
    if isinstance(outcome, Refused):
        return refusal(outcome)
    return stepped_up_response(outcome, cookies)


def _response(outcome: Begun | CompletedLogin | Refused, cookies: Cookies) -> Response:
    """Return the response to an outcome, with its cookies."""
    match outcome:
        case Refused(Reason.INVALID_REQUEST):
            problem = FieldProblem(field="code", message="This is not the code that was emailed.")
            return refusal(outcome, errors=[problem])
        case Refused(Reason.LOGIN_EXPIRED):
            response = refusal(outcome)
            cookies.clear(response, cookies.login)
            return response
        case Refused():
            return refusal(outcome)
        case Begun():
            response = reply(_state(outcome.state))
            cookies.set(response, cookies.login, outcome.token, outcome.state.expires_in)
            return response
        case CompletedLogin():
            return _completed(outcome, cookies)


def _completed(outcome: CompletedLogin, cookies: Cookies) -> Response:
    session, grant = outcome.session, outcome.grant
    user = User.model_validate(
        {
            "id": grant.account.user_id,
            "email": grant.account.email,
            "display_name": grant.account.display_name,
            "role": grant.account.role,
            "mfa_enabled": grant.mfa_enabled,
            **grant.profile,
        }
    )
    if "mfa" not in grant.amr:
        # Someone who has only proven the password may neither acknowledge nor replace them.
        user.backup_codes_unsaved = None
    done = SignedIn.model_validate(
        {"access_token": session.access_token, "expires_in": session.expires_in, "user": user, **grant.shown}
    )
    response = reply(done, exclude_none=True)
    cookies.clear(response, cookies.login)
    cookies.set(response, cookies.refresh, session.refresh_token, session.refresh_seconds)
    if outcome.browser_cookie is not None:
        _remember_browser(response, outcome.browser_cookie, cookies)
    return response


def _remember_browser(response: Response, cookie: str, cookies: Cookies) -> None:
    cookies.set(response, cookies.browser, cookie, int(COOKIE_LIFE.total_seconds()))


def _state(state: State) -> LoginState:
    return LoginState.model_validate(state, from_attributes=True)
