"""What the routes of a factor call; the login implements it.

@router.post("/totp/verify", response_model=SignedIn, response_model_exclude_none=True)
async def verify(body: TotpCodes, login: FactorLoginDep, caller: CallerDep) -> Response:
    return await login.verify("totp", body, caller)
"""

from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from focys.infra.web.caller import Caller


class FactorLogin(Protocol):
    """The steps of a login that take a factor, as HTTP responses; stored as ``app.state.factor_login``."""

    async def enroll(self, caller: Caller, *, restart: bool) -> Response:
        """Show the factor to set up; *restart* replaces it with a new one."""
        ...

    async def confirm(self, answer: BaseModel, caller: Caller) -> Response:
        """Check the first proof of a new factor, and sign in."""
        ...

    async def verify(self, kind: str, answer: BaseModel, caller: Caller) -> Response:
        """Check a proof of this kind of factor, and sign in."""
        ...

    async def set_up(self, session_id: UUID, caller: Caller, *, restart: bool) -> Response:
        """Show a signed-in user a factor to set up; *restart* replaces it with a new one."""
        ...

    async def replace(self, answer: BaseModel, session_id: UUID, caller: Caller) -> Response:
        """Check the first proof of a signed-in user's new factor, which replaces the old one."""
        ...

    async def turn_off(self, session_id: UUID, caller: Caller) -> Response:
        """Remove a signed-in user's second factors."""
        ...

    async def step_up(self, kind: str, answer: BaseModel, session_id: UUID, caller: Caller) -> Response:
        """Check a proof of this kind of factor, and mark a session as recently verified."""
        ...

    async def check(self, kind: str, answer: BaseModel, session_id: UUID, caller: Caller) -> Response:
        """Check a proof of this kind of factor without using it."""
        ...


async def _factor_login(request: Request) -> FactorLogin:
    login: FactorLogin = request.app.state.factor_login
    return login


FactorLoginDep = Annotated[FactorLogin, Depends(_factor_login)]
