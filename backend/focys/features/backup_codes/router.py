"""The routes of backup codes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status

from focys.domain.outcome import Refused
from focys.features.backup_codes.factor import BackupCodeFactor
from focys.features.backup_codes.schemas import (
    BackupCodeAndPassword,
    BackupCodeEntry,
    NewBackupCodes,
    ShownSet,
    UnsavedSet,
)
from focys.features.backup_codes.service import NewSet
from focys.features.backup_codes.unsaved import UnsavedCodes
from focys.features.factors import FactorLoginDep
from focys.features.sessions import CurrentSession, RecentlyVerified, SignedIn, SteppedUp
from focys.infra.web.dependencies import CallerDep
from focys.infra.web.replies import PROBLEMS, refusal, reply
from focys.infra.web.requests import Nothing

router = APIRouter(responses=PROBLEMS)
_login = APIRouter(prefix="/auth", tags=["login"])
_account = APIRouter(prefix="/account", tags=["account"])


async def _unsaved_codes(request: Request) -> UnsavedCodes:
    codes: UnsavedCodes = request.app.state.unsaved_codes
    return codes


UnsavedCodesDep = Annotated[UnsavedCodes, Depends(_unsaved_codes)]


@_login.post("/backup-code/verify", response_model=SignedIn, response_model_exclude_none=True)
async def verify_backup_code(body: BackupCodeEntry, login: FactorLoginDep, caller: CallerDep) -> Response:
    """Check a second factor."""
    return await login.verify(BackupCodeFactor.kind, body, caller)


@_login.post("/step-up/backup-code", response_model=SteppedUp)
async def step_up_with_backup_code(
    body: BackupCodeAndPassword, session: CurrentSession, login: FactorLoginDep, caller: CallerDep
) -> Response:
    """Confirm that the signed-in user is still the one they were, without the app."""
    return await login.step_up(BackupCodeFactor.kind, body, session.session_id, caller)


@_login.post("/backup-codes/acknowledge", response_model=UnsavedSet)
async def acknowledge_backup_codes(body: ShownSet, session: CurrentSession, codes: UnsavedCodesDep) -> Response:
    """Note that the user has saved a set of backup codes."""
    return reply(UnsavedSet(backup_codes_unsaved=await codes.acknowledge(session.user_id, body.set)))


@_login.post("/backup-codes/renew", response_model=NewBackupCodes)
async def renew_backup_codes(
    body: ShownSet, session: RecentlyVerified, codes: UnsavedCodesDep, caller: CallerDep
) -> Response:
    """Replace a set of backup codes that was shown but not saved; the old codes are void from then on."""
    return _new_set(await codes.replace(session.user_id, body.set, caller))


@_account.post("/backup-codes", response_model=NewBackupCodes)
async def new_backup_codes(
    session: RecentlyVerified,
    codes: UnsavedCodesDep,
    caller: CallerDep,
    body: Nothing | None = None,  # noqa: ARG001
) -> Response:
    """Replace all backup codes; the old ones are void from then on."""
    return _new_set(await codes.renew(session.user_id, caller))


@_account.post("/backup-codes/check", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
async def check_backup_code(
    body: BackupCodeEntry, session: RecentlyVerified, login: FactorLoginDep, caller: CallerDep
) -> Response:
    """Check a backup code without using it; a wrong one counts as one at a sign-in does."""
    return await login.check(BackupCodeFactor.kind, body, session.session_id, caller)


def _new_set(outcome: NewSet | Refused) -> Response:
    if isinstance(outcome, Refused):
        return refusal(outcome)
    return reply(NewBackupCodes(backup_codes=list(outcome.codes), backup_codes_unsaved=outcome.id))


router.include_router(_login)
router.include_router(_account)
