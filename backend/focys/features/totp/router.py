"""The routes of authenticator apps: set one up, and verify its codes."""

from fastapi import APIRouter, Response, status

from focys.features.factors import FactorLoginDep
from focys.features.sessions import CurrentSession, FactorReplaced, RecentlyVerified, SignedIn, SteppedUp
from focys.features.totp.factor import TotpFactor
from focys.features.totp.schemas import Enrollment, EnrollRequest, FirstCode, TotpCodes
from focys.infra.web.dependencies import CallerDep
from focys.infra.web.replies import PROBLEMS

router = APIRouter(responses=PROBLEMS)
_login = APIRouter(prefix="/auth", tags=["login"])
_account = APIRouter(prefix="/account", tags=["account"])


@_login.post("/mfa/enroll", response_model=Enrollment)
async def enroll(login: FactorLoginDep, caller: CallerDep, body: EnrollRequest | None = None) -> Response:
    """Show the factor to set up."""
    return await login.enroll(caller, restart=body is not None and body.restart)


@_login.post("/mfa/confirm", response_model=SignedIn, response_model_exclude_none=True)
async def confirm(body: FirstCode, login: FactorLoginDep, caller: CallerDep) -> Response:
    """Check the first proof of a new factor."""
    return await login.confirm(body, caller)


@_login.post("/step-up", response_model=SteppedUp)
async def step_up(body: TotpCodes, session: CurrentSession, login: FactorLoginDep, caller: CallerDep) -> Response:
    """Confirm that the signed-in user is still the one they were: with a code, or two in guarded mode."""
    return await login.step_up(TotpFactor.kind, body, session.session_id, caller)


@_login.post("/totp/verify", response_model=SignedIn, response_model_exclude_none=True)
async def verify_totp(body: TotpCodes, login: FactorLoginDep, caller: CallerDep) -> Response:
    """Check a second factor."""
    return await login.verify(TotpFactor.kind, body, caller)


@_account.post("/authenticator", response_model=Enrollment)
async def set_up(
    session: RecentlyVerified, login: FactorLoginDep, caller: CallerDep, body: EnrollRequest | None = None
) -> Response:
    """Show a new authenticator to set up; the old one works until the new one is confirmed."""
    return await login.set_up(session.session_id, caller, restart=body is not None and body.restart)


@_account.post("/authenticator/confirm", response_model=FactorReplaced, response_model_exclude_none=True)
async def replace(body: FirstCode, session: RecentlyVerified, login: FactorLoginDep, caller: CallerDep) -> Response:
    """Check the first code of the new authenticator, which replaces the old one and ends all other sessions."""
    return await login.replace(body, session.session_id, caller)


@_account.delete("/authenticator", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
async def turn_off(session: RecentlyVerified, login: FactorLoginDep, caller: CallerDep) -> Response:
    """Remove authenticator and backup codes, where policy allows; a backup code is not enough to confirm it."""
    return await login.turn_off(session.session_id, caller)


router.include_router(_login)
router.include_router(_account)
