"""The routes of changing one's password."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status

from focys.domain.outcome import Reason, Refused
from focys.domain.passwords import Weakness
from focys.features.browsers import COOKIE_LIFE
from focys.features.password_change.schemas import Judgment, NewPassword, TypedPassword
from focys.features.password_change.service import PasswordChange
from focys.features.sessions import CurrentSession, VerifiedIfEnrolled
from focys.infra.web.dependencies import CallerDep, WebDep
from focys.infra.web.replies import PROBLEMS, FieldProblem, refusal, reply

router = APIRouter(prefix="/account/password", tags=["account"], responses=PROBLEMS)


async def _passwords(request: Request) -> PasswordChange:
    passwords: PasswordChange = request.app.state.password_change
    return passwords


Passwords = Annotated[PasswordChange, Depends(_passwords)]


@router.post("", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
async def change_password(
    body: NewPassword, session: VerifiedIfEnrolled, passwords: Passwords, caller: CallerDep, web: WebDep
) -> Response:
    """Change the password; this session continues, and all others end."""
    outcome = await passwords.change(session, body.current_password, body.new_password, caller)
    if isinstance(outcome, Weakness):
        problem = FieldProblem(field="new_password", message=outcome)
        return refusal(Refused(Reason.INVALID_REQUEST), errors=[problem])
    if isinstance(outcome, Refused):
        return refusal(outcome)
    response = Response(status_code=status.HTTP_204_NO_CONTENT)
    if outcome.browser_cookie is not None:
        web.cookies.set(response, web.cookies.browser, outcome.browser_cookie, int(COOKIE_LIFE.total_seconds()))
    return response


@router.post("/check", response_model=Judgment)
async def check_password(body: TypedPassword, session: CurrentSession, passwords: Passwords) -> Response:
    """Say whether a new password is strong enough, while it is being typed; nothing is stored."""
    outcome = await passwords.judge(session, body.new_password)
    return refusal(outcome) if isinstance(outcome, Refused) else reply(Judgment(weakness=outcome))
