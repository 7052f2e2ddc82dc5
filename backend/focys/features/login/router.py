"""The login in HTTP: bind, call, reply."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Response, status
from pydantic import BaseModel

from focys.domain.outcome import Reason, Refused
from focys.features.browsers import COOKIE_LIFE
from focys.features.factors import AnyFactor
from focys.features.login.attempt import SignedIn
from focys.features.login.schemas import Credentials, EnrolRequest, LoginState, MailedCode, Nothing, Resent, Status
from focys.features.login.service import LoginFlow
from focys.features.login.snapshots import Begun
from focys.features.login.snapshots import LoginState as State
from focys.features.sessions import SignedInReply, User
from focys.infra.web.http import Cookies, Visitors
from focys.infra.web.replies import PROBLEMS, FieldProblem, refusal, reply
from focys.infra.web.visitor import Visitor


def build_router(flow: LoginFlow, visitors: Visitors, cookies: Cookies) -> APIRouter:  # noqa: C901  a list of calls
    """Return the login calls."""
    router = APIRouter(prefix="/auth", tags=["login"], responses=PROBLEMS)
    replies = _Replies(cookies)
    VisitorDep = Annotated[Visitor, Depends(visitors)]  # noqa: N806  a type

    @router.get("/status")
    async def read_status(visitor: VisitorDep) -> Status:
        """Say what a page needs to know first; never an error."""
        state = await flow.look(visitor) if visitor.login else None
        login = _state(state) if isinstance(state, State) else None
        return Status(app_name=flow.app_name, signed_in=visitor.refresh is not None, login=login)

    @router.post("/login", response_model=LoginState | SignedInReply)
    async def start(body: Credentials, visitor: VisitorDep) -> Response:
        """Take email and password."""
        return replies.to(await flow.start(body.email, body.password, visitor))

    @router.get("/login", response_model=LoginState)
    async def look(visitor: VisitorDep) -> Response:
        """Describe the login in progress."""
        outcome = await flow.look(visitor)
        return refusal(outcome) if isinstance(outcome, Refused) else reply(_state(outcome))

    @router.delete("/login", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
    async def cancel(visitor: VisitorDep) -> Response:
        """Forget the login in progress."""
        await flow.cancel(visitor)
        response = Response(status_code=status.HTTP_204_NO_CONTENT)
        cookies.clear(response, cookies.login)
        return response

    @router.post("/email-code/verify", response_model=LoginState)
    async def verify_email_code(body: MailedCode, visitor: VisitorDep) -> Response:
        """Take the mailed code."""
        return replies.to(await flow.verify_email_code(body.code, visitor))

    @router.post("/email-code/resend", response_model=Resent, status_code=status.HTTP_202_ACCEPTED)
    async def resend_email_code(visitor: VisitorDep, body: Nothing | None = None) -> Response:  # noqa: ARG001
        """Mail the code again."""
        outcome = await flow.resend_email_code(visitor)
        if isinstance(outcome, Refused):
            return refusal(outcome)
        return reply(Resent(resend_after=outcome), status_code=status.HTTP_202_ACCEPTED)

    @router.post("/mfa/enroll", response_model=flow.enroller.shown)
    async def enroll(visitor: VisitorDep, body: EnrolRequest | None = None) -> Response:
        """Show the factor to set up."""
        outcome = await flow.enroll(visitor, restart=body is not None and body.restart)
        return refusal(outcome) if isinstance(outcome, Refused) else reply(outcome)

    async def confirm(body: BaseModel, visitor: VisitorDep) -> Response:
        """Take the first proof of the new factor."""
        return replies.to(await flow.confirm(body, visitor))

    def verifier(factor: AnyFactor) -> Callable[..., Awaitable[Response]]:
        async def verify(body: BaseModel, visitor: VisitorDep) -> Response:
            """Take an answer to a second factor."""
            return replies.to(await flow.verify(factor, body, visitor))

        return verify

    _add_proof(router, "/mfa/confirm", confirm, flow.enroller.request)
    for factor in flow.factors:
        _add_proof(router, factor.path, verifier(factor), factor.request)
    return router


def _add_proof(
    router: APIRouter, path: str, call: Callable[..., Awaitable[Response]], request: type[BaseModel]
) -> None:
    """Add a call that completes a login; the kind of factor defines its body."""
    call.__annotations__["body"] = request
    router.add_api_route(
        path,
        call,
        methods=["POST"],
        response_model=SignedInReply,
        response_model_exclude_none=True,
        name=path.strip("/").replace("/", "_").replace("-", "_"),
    )


class _Replies:
    """Turns an outcome into a body and cookies."""

    def __init__(self, cookies: Cookies) -> None:
        self._cookies = cookies

    def to(self, outcome: Begun | SignedIn | Refused) -> Response:
        match outcome:
            case Refused(Reason.INVALID_REQUEST):
                return refusal(
                    outcome,
                    errors=[FieldProblem(field="code", message="This is not the code that was mailed.")],
                )
            case Refused(Reason.LOGIN_EXPIRED):
                response = refusal(outcome)
                self._cookies.clear(response, self._cookies.login)
                return response
            case Refused():
                return refusal(outcome)
            case Begun():
                response = reply(_state(outcome.state))
                self._cookies.set(response, self._cookies.login, outcome.token, outcome.state.expires_in)
                return response
            case SignedIn():
                return self._done(outcome)

    def _done(self, outcome: SignedIn) -> Response:
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
        done = SignedInReply.model_validate(
            {"access_token": session.access_token, "expires_in": session.expires_in, "user": user, **grant.shown}
        )
        response, cookies = reply(done, exclude_none=True), self._cookies
        cookies.clear(response, cookies.login)
        cookies.set(response, cookies.refresh, session.refresh_token, session.refresh_seconds)
        if outcome.browser_cookie is not None:
            cookies.set(response, cookies.browser, outcome.browser_cookie, int(COOKIE_LIFE.total_seconds()))
        return response


def _state(state: State) -> LoginState:
    return LoginState.model_validate(state, from_attributes=True)
