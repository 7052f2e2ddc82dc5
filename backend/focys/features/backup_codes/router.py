"""The route of backup codes."""

from fastapi import APIRouter, Response

from focys.features.backup_codes.factor import BackupCodeFactor
from focys.features.backup_codes.schemas import BackupCodeEntry
from focys.features.factors import FactorLoginDep
from focys.features.sessions import SignedIn
from focys.infra.web.dependencies import CallerDep
from focys.infra.web.replies import PROBLEMS

router = APIRouter(prefix="/auth", tags=["login"], responses=PROBLEMS)


@router.post("/backup-code/verify", response_model=SignedIn, response_model_exclude_none=True)
async def verify_backup_code(body: BackupCodeEntry, login: FactorLoginDep, caller: CallerDep) -> Response:
    """Check a second factor."""
    return await login.verify(BackupCodeFactor.kind, body, caller)
