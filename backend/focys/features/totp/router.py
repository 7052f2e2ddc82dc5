"""The routes of authenticator apps: set one up, and verify its codes."""

from fastapi import APIRouter, Response

from focys.features.factors import FactorLoginDep
from focys.features.sessions import CurrentSession, SignedIn, SteppedUp
from focys.features.totp.factor import TotpFactor
from focys.features.totp.schemas import Enrollment, EnrollRequest, FirstCode, TotpCodes
from focys.infra.web.dependencies import CallerDep
from focys.infra.web.replies import PROBLEMS

router = APIRouter(prefix="/auth", tags=["login"], responses=PROBLEMS)


@router.post("/mfa/enroll", response_model=Enrollment)
async def enroll(login: FactorLoginDep, caller: CallerDep, body: EnrollRequest | None = None) -> Response:
    """Show the factor to set up."""
    return await login.enroll(caller, restart=body is not None and body.restart)


@router.post("/mfa/confirm", response_model=SignedIn, response_model_exclude_none=True)
async def confirm(body: FirstCode, login: FactorLoginDep, caller: CallerDep) -> Response:
    """Check the first proof of a new factor."""
    return await login.confirm(body, caller)


@router.post("/step-up", response_model=SteppedUp)
async def step_up(body: TotpCodes, session: CurrentSession, login: FactorLoginDep, caller: CallerDep) -> Response:
    """Confirm that the signed-in user is still the one they were: with a code, or two in guarded mode."""
    return await login.step_up(TotpFactor.kind, body, session.session_id, caller)


@router.post("/totp/verify", response_model=SignedIn, response_model_exclude_none=True)
async def verify_totp(body: TotpCodes, login: FactorLoginDep, caller: CallerDep) -> Response:
    """Check a second factor."""
    return await login.verify(TotpFactor.kind, body, caller)
