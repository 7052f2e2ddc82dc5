"""The login in HTTP: bind, call, reply."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response, status

from focys.domain.outcome import Reason, Refused
from focys.features.browsers import COOKIE_LIFE
from focys.features.login.context import SignedIn
from focys.features.login.schemas import (
    BackupCodeEntry,
    Credentials,
    Done,
    Enrolment,
    EnrolRequest,
    FirstCode,
    LoginState,
    MailedCode,
    Nothing,
    Resent,
    Status,
    TotpCodes,
)
from focys.features.login.service import LoginFlow
from focys.features.login.state import Begun, State
from focys.features.sessions import User
from focys.infra.http import Cookies, Visitors
from focys.infra.replies import PROBLEMS, FieldProblem, refusal, reply
from focys.infra.visitor import Visitor


def build_router(flow: LoginFlow, visitors: Visitors, cookies: Cookies) -> APIRouter:  # noqa: C901  a list of calls
    """Return the login calls."""
    router = APIRouter(prefix="/auth", tags=["login"], responses=PROBLEMS)
    replies = _Replies(cookies)
    VisitorDep = Annotated[Visitor, Depends(visitors)]  # noqa: N806  a type

    @router.get("/status", response_model=Status)
    async def read_status(visitor: VisitorDep) -> Any:  # noqa: ANN401
        """Say what a page needs to know first; never an error."""
        state = await flow.look(visitor) if visitor.login else None
        login = _state(state) if isinstance(state, State) else None
        return Status(app_name=flow.app_name, signed_in=visitor.refresh is not None, login=login)

    @router.post("/login", response_model=LoginState | Done)
    async def start(body: Credentials, visitor: VisitorDep) -> Any:  # noqa: ANN401
        """Take e-mail and password."""
        return replies.to(await flow.start(body.email, body.password, visitor))

    @router.get("/login", response_model=LoginState)
    async def look(visitor: VisitorDep) -> Any:  # noqa: ANN401
        """Say where the login under way stands."""
        outcome = await flow.look(visitor)
        return refusal(outcome) if isinstance(outcome, Refused) else _state(outcome)

    @router.delete("/login", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
    async def cancel(visitor: VisitorDep) -> Response:
        """Forget the login under way."""
        await flow.cancel(visitor)
        answer = Response(status_code=status.HTTP_204_NO_CONTENT)
        cookies.clear(answer, cookies.login)
        return answer

    @router.post("/email-code/verify", response_model=LoginState)
    async def verify_email_code(body: MailedCode, visitor: VisitorDep) -> Any:  # noqa: ANN401
        """Take the mailed code."""
        return replies.to(await flow.mailbox.verify(body.code, visitor))

    @router.post("/email-code/resend", response_model=Resent, status_code=status.HTTP_202_ACCEPTED)
    async def resend_email_code(visitor: VisitorDep, body: Nothing | None = None) -> Any:  # noqa: ANN401, ARG001
        """Mail the code again."""
        outcome = await flow.mailbox.resend(visitor)
        return refusal(outcome) if isinstance(outcome, Refused) else Resent(resend_after=outcome)

    @router.post("/mfa/enroll", response_model=Enrolment)
    async def enroll(visitor: VisitorDep, body: EnrolRequest | None = None) -> Any:  # noqa: ANN401
        """Show the pending authenticator."""
        outcome = await flow.enrolment.show(visitor, restart=body is not None and body.restart)
        return (
            refusal(outcome)
            if isinstance(outcome, Refused)
            else Enrolment.model_validate(outcome, from_attributes=True)
        )

    @router.post("/mfa/confirm", response_model=Done, response_model_exclude_none=True)
    async def confirm(body: FirstCode, visitor: VisitorDep) -> Any:  # noqa: ANN401
        """Take the first code of the new authenticator."""
        return replies.to(await flow.enrolment.confirm(body.code, visitor))

    @router.post("/totp/verify", response_model=Done, response_model_exclude_none=True)
    async def verify_totp(body: TotpCodes, visitor: VisitorDep) -> Any:  # noqa: ANN401
        """Take the authenticator code of a login that is waiting for one."""
        return replies.to(await flow.second_factor.offer_totp(body.in_order, visitor))

    @router.post("/backup-code/verify", response_model=Done, response_model_exclude_none=True)
    async def verify_backup_code(body: BackupCodeEntry, visitor: VisitorDep) -> Any:  # noqa: ANN401
        """Take a backup code instead of a TOTP code."""
        return replies.to(await flow.second_factor.offer_backup_code(body.code, visitor))

    return router


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
                answer = refusal(outcome)
                self._cookies.clear(answer, self._cookies.login)
                return answer
            case Refused():
                return refusal(outcome)
            case Begun():
                answer = reply(_state(outcome.state))
                self._cookies.set(answer, self._cookies.login, outcome.handle, outcome.state.expires_in)
                return answer
            case SignedIn():
                return self._done(outcome)

    def _done(self, outcome: SignedIn) -> Response:
        session, row = outcome.session, outcome.facts.row
        user = User(
            id=row.user_id,
            email=row.email,
            display_name=row.display_name,
            role=row.role,
            mfa_enabled=outcome.mfa_enabled,
            backup_codes_left=outcome.backup_codes_left,
        )
        done = Done(
            access_token=session.access_token,
            expires_in=session.expires_in,
            user=user,
            backup_codes=list(outcome.backup_codes) or None,
            backup_codes_left=outcome.backup_codes_left if outcome.used_backup_code else None,
        )
        answer, cookies = reply(done, exclude_none=True), self._cookies
        cookies.clear(answer, cookies.login)
        cookies.set(answer, cookies.refresh, session.refresh_token, session.refresh_seconds)
        if outcome.browser_token is not None:
            cookies.set(answer, cookies.browser, outcome.browser_token, int(COOKIE_LIFE.total_seconds()))
        return answer


def _state(state: State) -> LoginState:
    return LoginState.model_validate(state, from_attributes=True)
